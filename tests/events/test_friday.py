"""The Friday series is there from the start, and what is shipped claims only what is known."""

from datetime import datetime
from typing import get_args

import pytest

from backend.events.friday import FRIDAY, ScenarioName, load, scenario
from backend.events.service import EventService
from backend.places.service import PlaceService
from backend.settings import Settings
from tests.support.clock import SetClock


async def test_the_friday_series_is_loaded_once(
    settings: Settings, events: EventService, clock: SetClock
) -> None:
    assert await load(settings, clock) is True
    assert await load(settings, clock) is False
    series = await events.get_series(FRIDAY)
    assert series.texts["ko"].title == "강남역 10번 출구 금요 집회"
    past, _ = await events.list_occurrences(
        earliest=datetime.fromisoformat("2024-08-01T00:00:00+09:00"), latest=clock()
    )
    assert [each.starts_at.isoformat() for each in past] == ["2024-08-30T19:00:00+09:00"]
    ahead, more = await events.list_occurrences(
        latest=datetime.fromisoformat("2026-01-01T00:00:00+09:00")
    )
    assert (len(ahead), more) == (26, False)


async def test_the_friday_series_stays_as_organisers_changed_it(
    settings: Settings, events: EventService, clock: SetClock
) -> None:
    await load(settings, clock)
    before = await events.get_series(FRIDAY)
    assert await load(settings, clock) is False
    assert await events.get_series(FRIDAY) == before


@pytest.mark.parametrize("name", get_args(ScenarioName))
def test_what_is_shipped_is_written_in_korean_and_english(name: ScenarioName) -> None:
    plan = scenario(name).plan(datetime.fromisoformat("2030-06-01T15:00:00"))
    assert list(plan.texts) == ["ko", "en"]
    assert PlaceService().get(plan.place).approximate


def test_nobody_wrote_down_the_day_of_the_rally_of_2018() -> None:
    with pytest.raises(ValueError, match="nobody wrote down"):
        scenario("hyehwa-2018").plan()
    assert "startsLocal" in scenario("hyehwa-2018").assumed
