"""When a rehearsal's gathering is held, and what its phones are told."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.drill.scenario import GANGNAM_FRIDAY, HYEHWA_2018, SCENARIOS, Scenario

SEOUL = ZoneInfo("Asia/Seoul")
INSTANTS = some.datetimes(datetime(2024, 8, 30), datetime(2034, 8, 30), timezones=some.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


@given(now=INSTANTS)
def test_the_friday_series_starts_on_the_next_friday_at_seven_in_seoul(now: datetime) -> None:
    start = GANGNAM_FRIDAY.first_start(now).replace(tzinfo=SEOUL)

    assert (start.weekday(), start.hour, start.minute) == (4, 19, 0)
    assert timedelta(hours=3) <= start - now <= timedelta(days=7, hours=3)


def test_on_a_friday_evening_the_next_friday_is_rehearsed() -> None:
    evening = datetime(2024, 8, 30, 18, 0, tzinfo=SEOUL)

    assert GANGNAM_FRIDAY.first_start(evening) == datetime(2024, 9, 6, 19, 0)  # noqa: DTZ001


@every_scenario
def test_every_text_of_a_rehearsal_says_so_in_each_language(scenario: Scenario) -> None:
    titles = {"ko": "[연습]", "en": "[Rehearsal]"}

    assert (
        set(scenario.languages) == set(scenario.texts) == set(scenario.alert_texts) == set(titles)
    )
    for language, word in titles.items():
        assert scenario.texts[language].title.startswith(word)
        assert scenario.alert_texts[language].title.startswith(word)


@every_scenario
def test_no_reminder_comes_between_the_phones_and_the_alert(scenario: Scenario) -> None:
    plan = scenario.plan(datetime(2024, 8, 26, tzinfo=UTC))

    assert plan.reminder_minutes == []
    assert plan.state == "published"
    assert scenario.plan(datetime(2024, 8, 26, tzinfo=UTC), over=True).state == "ended"


def test_the_crowd_of_2018_is_twenty_two_thousand() -> None:
    assert HYEHWA_2018.phones == GANGNAM_FRIDAY.phones == 22_000
