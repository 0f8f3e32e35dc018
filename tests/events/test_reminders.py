"""People are reminded a day and two hours before, by a gathering that is really held."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import httpx
import msgspec
import pytest

from backend.core.errors import NotFound
from backend.events.service import EventService
from tests.events.gatherings import FRIDAY_PLAN, Agree, put
from tests.support.clock import SetClock

SERIES = UUID("20240830-0000-8000-8000-000000000003")
FRIDAY = datetime(2024, 9, 6, 10, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
async def fridays(client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock) -> None:
    """Every Friday at Exit 10, whatever the test before made of it."""
    there = (await client.get(f"/v1/series/{SERIES}")).status_code == 200
    put_back = await put(client, hers, FRIDAY_PLAN, SERIES, if_match="*" if there else None)
    assert put_back.status_code in (200, 201), put_back.text


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


async def test_nobody_is_reminded_of_a_gathering_that_is_not_held(
    client: httpx.AsyncClient, hers: dict[str, str], agree: Agree, events: EventService
) -> None:
    ended = msgspec.structs.replace(FRIDAY_PLAN, state="ended")
    await agree(await put(client, hers, ended, SERIES, if_match="*"))
    assert await events.occurrences_with_reminders_due(FRIDAY - DAY) == []


async def test_a_series_may_remind_nobody(
    client: httpx.AsyncClient, hers: dict[str, str], events: EventService
) -> None:
    silent = msgspec.structs.replace(FRIDAY_PLAN, reminder_minutes=[])
    assert (await put(client, hers, silent, SERIES, if_match="*")).status_code == 200
    assert await events.occurrences_with_reminders_due(FRIDAY - DAY) == []


async def test_a_series_that_is_not_there_has_no_titles(events: EventService) -> None:
    with pytest.raises(NotFound):
        await events.titles(UUID(int=7))
