"""Rows of series and occurrences. The only reader of this domain's queries.sql."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries
from backend.events.rules import Planned
from schemas.events import (
    GatheringText,
    GatheringTextChange,
    Kind,
    Press,
    Series,
    SeriesPlan,
    SeriesState,
    korean_first,
)

_queries = Queries.beside(__file__)

WrittenState = Literal["scheduled", "cancelled", "removed"]
Texts = dict[str, dict[str, Any]]
"""GatheringText by language, as jsonb gives it back."""


class SeriesRow(msgspec.Struct, frozen=True):
    """A series as it is kept."""

    id: UUID
    root: UUID
    continues: UUID | None
    continues_from: date | None
    kind: Kind
    texts: Texts
    place: str
    press: dict[str, Any] | None
    time_zone: str
    starts_local: datetime
    duration_minutes: int
    rrule: str | None
    removed_dates: list[date]
    ends_before: date | None
    written_before: datetime | None
    reminder_minutes: list[int]
    state: SeriesState
    version: int
    sequence: int
    changed_at: datetime

    def series(self) -> Series:
        """As organisers know it."""
        return msgspec.convert(
            self,
            Series,
            from_attributes=True,
        )


class OccurrenceRow(msgspec.Struct, frozen=True):
    """An occurrence with what it has from its series."""

    id: UUID
    series: UUID
    root: UUID
    kind: Kind
    state: WrittenState
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    texts: Texts
    own_texts: Texts | None
    place: str
    press: dict[str, Any] | None
    reason: dict[str, str] | None


class WrittenRow(msgspec.Struct, frozen=True):
    """An occurrence as it is kept. None is the series' own."""

    id: UUID
    series: UUID
    recurrence_id: date
    starts_at: datetime
    ends_at: datetime
    state: WrittenState
    added: bool
    moved: bool
    texts: Texts | None
    place: str | None
    reason: dict[str, str] | None
    sequence: int
    changed_at: datetime


class ProposalRow(msgspec.Struct, frozen=True):
    """A change that waits for organisers to agree, as it is kept."""

    id: UUID
    series: UUID
    change: dict[str, Any]
    effects: dict[str, Any]
    based_on: int
    composer: UUID | None
    state: Literal["open", "done", "withdrawn"]
    composed_at: datetime


class UpcomingRow(msgspec.Struct, frozen=True):
    """An occurrence ahead, and when its series wants people reminded. `series` is the root."""

    id: UUID
    series: UUID
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    texts: Texts
    own_texts: Texts | None
    place: str
    reminder_minutes: list[int]


class IdRow(msgspec.Struct, frozen=True):
    """The id of a row."""

    id: UUID


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Where a new series stands: alone, or from a date on in the place of another."""

    root: UUID
    continues: UUID | None = None
    continues_from: date | None = None
    sequence: int = 0


def gathering_texts(texts: Texts) -> dict[str, GatheringText]:
    """Typed texts of a row, Korean first."""
    return korean_first(msgspec.convert(texts, dict[str, GatheringText]))


def press(kept: dict[str, Any] | None) -> Press | None:
    """What a row says to the press."""
    return msgspec.convert(kept, Press | None)


def own_texts(texts: Texts | None) -> dict[str, GatheringTextChange]:
    """What a row says differently from its series."""
    return msgspec.convert(texts or {}, dict[str, GatheringTextChange])


async def find_series(on: Executor, series: UUID) -> SeriesRow | None:
    """A series in whatever state."""
    return await _queries.one(on, "find_series", SeriesRow, id=series)


async def lock_series(on: Executor, series: UUID) -> SeriesRow | None:
    """A series that stays as it is until the transaction ends."""
    return await _queries.one(on, "lock_series", SeriesRow, id=series)


async def list_series(on: Executor, after: UUID, most: int) -> list[SeriesRow]:
    """Series that were published, by id."""
    return await _queries.all(on, "list_series", SeriesRow, after=after, most=most)


async def list_line(on: Executor, series: UUID | None) -> list[SeriesRow]:
    """The published series of the line that one belongs to; of all lines when None."""
    return await _queries.all(on, "list_line", SeriesRow, series=series)


async def list_written(on: Executor, series: Sequence[UUID]) -> list[WrittenRow]:
    """All that is written down of some series, by date."""
    return await _queries.all(on, "list_written", WrittenRow, series=list(series))


async def find_written(on: Executor, occurrence: UUID) -> WrittenRow | None:
    """An occurrence in whatever state."""
    return await _queries.one(on, "find_written", WrittenRow, id=occurrence)


async def list_published_ids(on: Executor) -> list[UUID]:
    """Ids of the series whose occurrences go on."""
    return [row.id for row in await _queries.all(on, "list_published_ids", IdRow)]


async def has_series(on: Executor) -> bool:
    """Whether there is any series at all."""
    return bool(await _queries.value(on, "has_series"))


async def insert_series(
    on: Executor, series: UUID, plan: SeriesPlan, now: datetime, line: Line | None = None
) -> bool:
    """Write a new series in its first version. False when the id is taken."""
    line = line or Line(root=series)
    columns = {**_columns(plan), **msgspec.structs.asdict(line)}
    return await _queries.run(on, "insert_series", **columns, id=series, now=now) == 1


async def change_series(
    on: Executor,
    series: UUID,
    plan: SeriesPlan,
    now: datetime,
    removed_dates: list[date],
    ends_before: date | None,
) -> None:
    """Write the next version of a series."""
    await _queries.run(
        on,
        "change_series",
        **_columns(plan),
        id=series,
        now=now,
        removed_dates=removed_dates,
        ends_before=ends_before,
    )


async def handed_over_on(on: Executor, series: UUID) -> date | None:
    """The date from which on another series continues this one."""
    day = await _queries.value(on, "handed_over_on", series=series)
    return day if isinstance(day, date) else None


async def write_down_before(on: Executor, series: UUID, before: datetime) -> None:
    """Note up to which instant the occurrences of a series are decided."""
    await _queries.run(on, "write_down_before", id=series, before=before)


async def add_occurrences(
    on: Executor, series: UUID, made: Sequence[Planned], now: datetime
) -> int:
    """Write those that are missing; gives their number."""
    return await _queries.run(
        on,
        "add_occurrences",
        series=series,
        ids=[each.id for each in made],
        recurrence_ids=[each.recurrence_id for each in made],
        starts=[each.starts_at for each in made],
        ends=[each.ends_at for each in made],
        now=now,
    )


async def move_occurrences(
    on: Executor, series: UUID, made: Sequence[Planned], sequence: int, now: datetime
) -> int:
    """Give those that have not begun their new times; gives the number that changed."""
    return await _queries.run(
        on,
        "move_occurrences",
        series=series,
        recurrence_ids=[each.recurrence_id for each in made],
        sequence=sequence,
        starts=[each.starts_at for each in made],
        ends=[each.ends_at for each in made],
        now=now,
    )


async def withdraw_occurrences(
    on: Executor,
    series: UUID,
    made: Sequence[Planned],
    sequence: int,
    now: datetime,
    *,
    added_too: bool,
) -> int:
    """Cancel those ahead that are none of `made`, with what was added or without; their number."""
    return await _queries.run(
        on,
        "withdraw_occurrences",
        series=series,
        recurrence_ids=[each.recurrence_id for each in made],
        added_too=added_too,
        sequence=sequence,
        now=now,
    )


async def list_occurrences(
    on: Executor,
    *,
    earliest: datetime,
    latest: datetime,
    after_start: datetime,
    after_id: UUID,
    series: UUID | None,
    most: int,
) -> list[OccurrenceRow]:
    """Public occurrences with `earliest <= starts_at < latest`, behind a position, in order."""
    return await _queries.all(
        on,
        "list_occurrences",
        OccurrenceRow,
        earliest=earliest,
        latest=latest,
        after_start=after_start,
        after_id=after_id,
        series=series,
        most=most,
    )


async def find_occurrence(on: Executor, occurrence: UUID) -> OccurrenceRow | None:
    """A public occurrence."""
    return await _queries.one(on, "find_occurrence", OccurrenceRow, id=occurrence)


async def list_upcoming(on: Executor, now: datetime, latest: datetime) -> list[UpcomingRow]:
    """Occurrences that start after `now` and before `latest` and have reminders."""
    return await _queries.all(on, "list_upcoming", UpcomingRow, now=now, latest=latest)


async def list_drafts(on: Executor, after: UUID, most: int) -> list[SeriesRow]:
    """Series that nobody but organisers knows, by id."""
    return await _queries.all(on, "list_drafts", SeriesRow, after=after, most=most)


async def find_written_on(on: Executor, series: UUID, day: date) -> WrittenRow | None:
    """The occurrence of a series with a recurrence id."""
    return await _queries.one(on, "find_written_on", WrittenRow, series=series, recurrence_id=day)


async def insert_occurrence(on: Executor, row: WrittenRow) -> None:
    """Write one occurrence."""
    await _queries.run(on, "insert_occurrence", **msgspec.structs.asdict(row))


async def change_occurrence(on: Executor, row: WrittenRow) -> None:
    """Write one occurrence anew."""
    columns = msgspec.structs.asdict(row)
    del columns["series"], columns["recurrence_id"]
    await _queries.run(on, "change_occurrence", **columns)


async def count_change(on: Executor, series: UUID, now: datetime) -> None:
    """Let calendars notice that a gathering of a series changed."""
    await _queries.run(on, "count_change", id=series, now=now)


async def change_dates(
    on: Executor,
    series: UUID,
    removed_dates: list[date],
    ends_before: date | None,
    now: datetime,
) -> None:
    """Write the next version of a series, of which other dates are held."""
    await _queries.run(
        on,
        "change_dates",
        id=series,
        removed_dates=removed_dates,
        ends_before=ends_before,
        now=now,
    )


async def hand_over(
    on: Executor, series: UUID, since: date, new: UUID, sequence: int, now: datetime
) -> None:
    """Give the gatherings from a date on, and what continued the series later, to another."""
    await _queries.run(
        on, "hand_over", series=series, since=since, new=new, sequence=sequence, now=now
    )
    await _queries.run(on, "hand_over_continuations", series=series, since=since, new=new)


async def insert_proposal(on: Executor, row: ProposalRow) -> None:
    """Write an open proposal, unless it is there; one that was withdrawn is open again."""
    columns = msgspec.structs.asdict(row)
    del columns["state"]
    now = columns.pop("composed_at")
    await _queries.run(on, "insert_proposal", **columns, now=now)


async def find_proposal(on: Executor, proposal: UUID) -> ProposalRow | None:
    """A proposal in whatever state."""
    return await _queries.one(on, "find_proposal", ProposalRow, id=proposal)


async def lock_proposal(on: Executor, proposal: UUID) -> ProposalRow | None:
    """A proposal that nobody else decides on until the transaction ends."""
    return await _queries.one(on, "lock_proposal", ProposalRow, id=proposal)


async def list_proposals(on: Executor, most: int) -> list[ProposalRow]:
    """Open proposals, the oldest first."""
    return await _queries.all(on, "list_proposals", ProposalRow, most=most)


async def decide_proposal(
    on: Executor, proposal: UUID, state: Literal["done", "withdrawn"], now: datetime
) -> None:
    """Close an open proposal."""
    await _queries.run(on, "decide_proposal", id=proposal, state=state, now=now)


async def forget_proposals(
    on: Executor, decided_before: datetime, composed_before: datetime
) -> list[UUID]:
    """Delete proposals that are over or that nobody decided on; gives their ids."""
    rows = await _queries.all(
        on,
        "forget_proposals",
        IdRow,
        decided_before=decided_before,
        composed_before=composed_before,
    )
    return [row.id for row in rows]


async def version(on: Executor) -> int:
    """The number of the last change that the public can see."""
    return int(await _queries.value(on, "version"))


async def bump_version(on: Executor) -> None:
    """Count a change that the public can see, in the transaction that makes it."""
    await _queries.run(on, "bump_version")


def _columns(plan: SeriesPlan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in SeriesPlan.__struct_fields__}
