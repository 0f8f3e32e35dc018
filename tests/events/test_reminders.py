"""People are reminded a day and two hours before, by a gathering that is really held."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import msgspec
import pytest

from backend.core.errors import NotFound
from backend.events.service import EventService, PreconditionNeeded
from schemas.events import Series
from tests.events.gatherings import FRIDAY_PLAN
from tests.support.clock import SetClock

SERIES = UUID("20240830-0000-8000-8000-000000000003")
FRIDAY = datetime(2024, 9, 6, 10, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
async def fridays(events: EventService, clock: SetClock) -> None:
    """Every Friday at Exit 10, whatever the test before made of it."""
    try:
        await events.put_series(SERIES, FRIDAY_PLAN)
    except PreconditionNeeded:
        await events.put_series(SERIES, FRIDAY_PLAN, _whatever_is_there)


def _whatever_is_there(_: Series) -> bool:
    return True


@pytest.mark.parametrize(
    ("before", "minutes"),
    [
        (DAY + MINUTE, None),
        (DAY, 1440),
        (DAY - HOUR + MINUTE, 1440),
        (DAY - HOUR, None),
        (2 * HOUR, 120),
        (HOUR + MINUTE, 120),
        (HOUR, None),
        (-MINUTE, None),
    ],
)
async def test_a_reminder_is_due_a_day_and_two_hours_before(
    events: EventService, before: timedelta, minutes: int | None
) -> None:
    due = await events.occurrences_with_reminders_due(FRIDAY - before)
    assert [each.minutes_before for each in due] == ([] if minutes is None else [minutes])


async def test_a_reminder_knows_what_it_tells(events: EventService) -> None:
    (reminder,) = await events.occurrences_with_reminders_due(FRIDAY - 2 * HOUR)
    assert reminder.occurrence == uuid5(SERIES, "2024-09-06")
    assert reminder.series == SERIES
    assert reminder.starts_at.isoformat() == "2024-09-06T19:00:00+09:00"
    assert reminder.ends_at - reminder.starts_at == 2 * HOUR
    assert reminder.titles == await events.titles(SERIES)
    assert reminder.place_names["ko"] == "강남역 10번 출구"
    gathering = await events.get_occurrence(reminder.occurrence)
    assert (gathering.series, gathering.state) == (SERIES, "scheduled")


async def test_nobody_is_reminded_of_a_gathering_that_is_not_held(events: EventService) -> None:
    ended = msgspec.structs.replace(FRIDAY_PLAN, state="ended")
    await events.put_series(SERIES, ended, _whatever_is_there)
    assert await events.occurrences_with_reminders_due(FRIDAY - DAY) == []


async def test_a_series_may_remind_nobody(events: EventService) -> None:
    silent = msgspec.structs.replace(FRIDAY_PLAN, reminder_minutes=[])
    await events.put_series(SERIES, silent, _whatever_is_there)
    assert await events.occurrences_with_reminders_due(FRIDAY - DAY) == []


async def test_a_series_that_is_not_there_has_no_titles(events: EventService) -> None:
    with pytest.raises(NotFound):
        await events.titles(UUID(int=7))
