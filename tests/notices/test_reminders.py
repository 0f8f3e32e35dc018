"""Organisers are reminded before each deadline, once, however many workers look at the clock."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg

from backend.notices.service import NoticeService
from tests.notices.conftest import Series, call_off
from tests.notices.test_notices import FILED, noted, shown, week
from tests.support.clock import SetClock


async def filing(fridays: Series, day: str) -> dict[str, Any]:
    """The deadline for filing a Friday's notice."""
    notice = (await shown(fridays, await fridays.occurrence(day))).json()
    return next(each for each in notice["deadlines"] if each["step"] == "file-by")


async def test_a_reminder_is_written_once_and_read_with_what_is_due(
    fridays: Series, notices: NoticeService, clock: SetClock
) -> None:
    assert await notices.remind() >= 1
    assert await notices.remind() == 0
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] == "2024-09-02T12:00:00+09:00"
    assert (await filing(fridays, "2024-09-13"))["remindedAt"] is None
    assert [each["remindedAt"] is None for each in (await week(fridays))["due"]] == [
        False,
        *[True] * 4,
    ]


async def test_workers_side_by_side_remind_once(
    fridays: Series, notices: NoticeService, clock: SetClock
) -> None:
    alone = await notices.remind()
    clock.set(datetime(2024, 9, 3, 10, 0, tzinfo=UTC))
    together = await asyncio.gather(*(notices.remind() for _ in range(4)))
    assert alone >= 1
    assert sum(together) >= 1
    assert await notices.remind() == 0
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] == "2024-09-03T19:00:00+09:00"


async def test_the_minute_decides(fridays: Series, notices: NoticeService, clock: SetClock) -> None:
    await notices.remind()
    before, reminded = datetime(2024, 9, 4, 6, 59, tzinfo=UTC), datetime(2024, 9, 4, 7, tzinfo=UTC)
    clock.set(before)
    await notices.remind()
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] == "2024-09-04T15:59:00+09:00"
    clock.set(reminded)
    await notices.remind()
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] == "2024-09-04T16:00:00+09:00"


async def test_a_friday_that_was_filed_is_not_nagged_about(
    fridays: Series, notices: NoticeService, clock: SetClock
) -> None:
    await noted(fridays, await fridays.occurrence("2024-09-06"), FILED)
    await notices.remind()
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] is None


async def test_a_deadline_that_moves_is_reminded_of_anew(
    fridays: Series, notices: NoticeService, clock: SetClock
) -> None:
    await notices.remind()
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] is not None
    await fridays.change(startsLocal="2024-08-30T20:00:00")
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] is None
    await notices.remind()
    assert (await filing(fridays, "2024-09-06"))["remindedAt"] is not None


async def test_the_withdrawal_of_a_friday_that_was_called_off_is_reminded_of(
    fridays: Series, notices: NoticeService, clock: SetClock, owner: asyncpg.Connection
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    await noted(fridays, friday, FILED)
    await call_off(owner, friday)
    clock.set(datetime(2024, 9, 4, 12, 0, tzinfo=UTC))
    await notices.remind()
    due = [each for each in (await week(fridays))["due"] if each["occurrence"] == friday]
    assert [(each["step"], each["remindedAt"]) for each in due] == [
        ("withdrawal", "2024-09-04T21:00:00+09:00")
    ]


async def test_a_friday_moved_to_november_leaves_its_old_notice_to_be_withdrawn(
    fridays: Series, notices: NoticeService, clock: SetClock, owner: asyncpg.Connection
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    await noted(fridays, friday, FILED)
    await owner.execute(
        "update occurrence set starts_at = starts_at + interval '70 days',"
        " ends_at = ends_at + interval '70 days' where id = $1",
        friday,
    )
    clock.set(datetime(2024, 9, 3, 12, 0, tzinfo=UTC))
    await notices.remind()
    due = [each for each in (await week(fridays))["due"] if each["occurrence"] == friday]
    assert [(each["step"], each["must"]) for each in due] == [("withdrawal", True)]
    assert due[0]["remindedAt"] == "2024-09-03T21:00:00+09:00"
