"""Rows of notices and their reminders. The only reader of this domain's queries.sql."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries
from backend.notices.rules import Kept, Reminder
from schemas.notices import Exemption, Measure, NoticeRecord, RecordedState, Step

_queries = Queries.beside(__file__)


class NoticeRow(msgspec.Struct, frozen=True):
    """A notice as it is kept."""

    occurrence: UUID
    state: RecordedState
    filed_at: datetime | None
    filed_for: datetime | None
    correction_demanded_at: datetime | None
    corrected_at: datetime | None
    banned_at: datetime | None
    measure: Measure | None
    objected_at: datetime | None
    ruled_at: datetime | None
    withdrawn_at: datetime | None
    holding_reported_at: datetime | None
    exemption: Exemption | None
    marshals: int | None
    stations: int
    rival_banned: bool
    version: int

    @property
    def kept(self) -> Kept:
        """What the rules know of it."""
        fields = {name: getattr(self, name) for name in NoticeRecord.__struct_fields__}
        return Kept(NoticeRecord(**fields), self.filed_for, self.version)


class ReminderRow(msgspec.Struct, frozen=True):
    """When organisers were last reminded of a step."""

    occurrence: UUID
    step: Step
    deadline: datetime
    reminded_at: datetime


class IdRow(msgspec.Struct, frozen=True):
    """The gathering that a notice is about."""

    occurrence: UUID


async def find(on: Executor, occurrence: UUID) -> Kept:
    """What was noted for a gathering."""
    return (await list_kept(on, [occurrence])).get(occurrence, Kept())


async def lock(on: Executor, occurrence: UUID) -> Kept | None:
    """What was noted, unchanged by others until the transaction ends; None is nothing ever."""
    row = await _queries.one(on, "lock_notice", NoticeRow, occurrence=occurrence)
    return None if row is None else row.kept


async def list_kept(on: Executor, occurrences: Sequence[UUID]) -> dict[UUID, Kept]:
    """What was noted, of the gatherings for which anything was."""
    rows = await _queries.all(on, "list_notices", NoticeRow, occurrences=occurrences)
    return {row.occurrence: row.kept for row in rows}


async def list_standing(on: Executor, earliest: datetime, latest: datetime) -> list[UUID]:
    """Gatherings whose notice stands for a start with `earliest <= start < latest`."""
    rows = await _queries.all(on, "list_standing", IdRow, earliest=earliest, latest=latest)
    return [row.occurrence for row in rows]


async def insert(on: Executor, occurrence: UUID, kept: Kept) -> bool:
    """Write the first note of a gathering. False when there is one."""
    return await _queries.run(on, "insert_notice", **_columns(occurrence, kept)) == 1


async def change(on: Executor, occurrence: UUID, kept: Kept) -> None:
    """Write what is noted now."""
    await _queries.run(on, "change_notice", **_columns(occurrence, kept))


async def list_reminders(
    on: Executor, occurrences: Sequence[UUID]
) -> dict[tuple[UUID, Step, datetime], datetime]:
    """When organisers were last reminded, by gathering, step and deadline."""
    rows = await _queries.all(on, "list_reminders", ReminderRow, occurrences=occurrences)
    return {(row.occurrence, row.step, row.deadline): row.reminded_at for row in rows}


async def add_reminders(on: Executor, due: Sequence[tuple[UUID, Reminder]], now: datetime) -> int:
    """Write those reminders that nobody has written; gives their number."""
    return await _queries.run(
        on,
        "add_reminders",
        occurrences=[occurrence for occurrence, _ in due],
        steps=[reminder.step for _, reminder in due],
        deadlines=[reminder.deadline for _, reminder in due],
        hours=[reminder.hours_before for _, reminder in due],
        now=now,
    )


def _columns(occurrence: UUID, kept: Kept) -> dict[str, object]:
    return {
        "occurrence": occurrence,
        **msgspec.structs.asdict(kept.record),
        "filed_for": kept.filed_for,
        "version": kept.version,
    }
