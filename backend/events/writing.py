"""Writes the occurrences of a series down, within the transaction of whoever changes the series.

Never deletes one: what a series no longer makes is cancelled, for people hold links to it.
"""

from datetime import datetime, timedelta

from backend.core.sql import Executor
from backend.events import repository, rules
from backend.events.rules import Schedule
from schemas.events import SeriesState


async def write_first(on: Executor, held: Schedule, state: SeriesState, now: datetime) -> None:
    """Write every occurrence of a series that nobody knew before. A draft has none.

    Raises:
        Unacceptable: `too-many-occurrences`.
    """
    if state == "draft":
        return
    before = now if state == "ended" else rules.horizon(now, held.first_start)
    planned = rules.expand(held, before=before, limit=rules.MAX_OCCURRENCES + 1)
    rules.check_number(planned)
    await repository.add_occurrences(on, held.series, planned, now)


async def write_anew(
    on: Executor, held: Schedule, state: SeriesState, sequence: int, now: datetime
) -> None:
    """Bring what is ahead of a series in line with its rule: moved, withdrawn, or added.

    Raises:
        Unacceptable: `too-many-occurrences`.
    """
    before = now
    if state != "ended":
        before = rules.horizon(now, held.first_start)
        last = await repository.last_occurrence(on, held.series)
        if last is not None:
            written = rules.instant(held.local_start(last.recurrence_id), held.zone)
            before = max(before, written + timedelta(days=1))
    planned = rules.expand(
        held,
        before=before,
        since=now.astimezone(held.zone).date(),
        limit=rules.MAX_OCCURRENCES + 1,
    )
    rules.check_number(planned)
    ahead = [each for each in planned if each.starts_at > now]
    await repository.move_occurrences(on, held.series, ahead, sequence, now)
    await repository.withdraw_occurrences(
        on, held.series, planned, sequence, now, added_too=state == "ended"
    )
    await repository.add_occurrences(on, held.series, ahead, now)


async def write_ahead(on: Executor, held: Schedule, now: datetime) -> int:
    """Write what came within the horizon; gives its number. Only adds, and only behind the last:
    what is missing before it was never announced.
    """
    last = await repository.last_occurrence(on, held.series)
    planned = rules.expand(
        held,
        before=rules.horizon(now, held.first_start),
        since=None if last is None else last.recurrence_id + timedelta(days=1),
    )
    return await repository.add_occurrences(on, held.series, planned, now)
