"""Writes the occurrences of a series down, within the transaction of whoever changes the series.

Never deletes one: what a series no longer makes is cancelled, for people hold links to it.
"""

from datetime import datetime

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
    before = now if state == "ended" else rules.horizon(held, now)
    planned = rules.expand(held, before=before, limit=rules.MAX_OCCURRENCES + 1)
    rules.check_number(planned)
    await repository.add_occurrences(on, held.series, planned, now)
    await repository.write_down_before(on, held.series, before)


async def write_anew(
    on: Executor,
    held: Schedule,
    state: SeriesState,
    written_before: datetime,
    sequence: int,
    now: datetime,
) -> None:
    """Bring what is ahead of a series in line with its rule: moved, withdrawn, or added.

    Args:
        written_before: the instant up to which its occurrences were written down.

    Raises:
        Unacceptable: `too-many-occurrences`.
    """
    before = now
    if state != "ended":
        before = rules.midnight_from(max(rules.horizon(held, now), written_before), held.zone)
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
    await repository.write_down_before(on, held.series, before)


async def write_ahead(on: Executor, held: Schedule, written_before: datetime, now: datetime) -> int:
    """Write what came within the horizon; gives its number.

    Only adds, and only from `written_before` on: what is missing before was never announced.
    """
    before = rules.horizon(held, now)
    if before <= written_before:
        return 0
    since = written_before.astimezone(held.zone).date()
    planned = [
        each
        for each in rules.expand(held, before=before, since=since)
        if each.starts_at >= written_before
    ]
    added = await repository.add_occurrences(on, held.series, planned, now)
    await repository.write_down_before(on, held.series, before)
    return added
