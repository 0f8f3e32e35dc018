"""Rows of series and occurrences. The only reader of this domain's queries.sql."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries
from backend.events.rules import Planned
from schemas.events import (
    GatheringText,
    Kind,
    OccurrenceState,
    Series,
    SeriesPlan,
    SeriesState,
    korean_first,
)

_queries = Queries.beside(__file__)

Texts = dict[str, dict[str, Any]]
"""GatheringText by language, as jsonb gives it back."""


class SeriesRow(msgspec.Struct, frozen=True):
    """A series as it is kept."""

    id: UUID
    kind: Kind
    texts: Texts
    place: str
    time_zone: str
    starts_local: datetime
    duration_minutes: int
    rrule: str | None
    reminder_minutes: list[int]
    state: SeriesState
    version: int


class OccurrenceRow(msgspec.Struct, frozen=True):
    """An occurrence with what it has from its series."""

    id: UUID
    series: UUID
    kind: Kind
    state: OccurrenceState
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    texts: Texts
    place: str


class UpcomingRow(msgspec.Struct, frozen=True):
    """An occurrence ahead, and when its series wants people reminded."""

    id: UUID
    series: UUID
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    texts: Texts
    place: str
    reminder_minutes: list[int]


class LastRow(msgspec.Struct, frozen=True):
    """The last occurrence of a series that was written down."""

    recurrence_id: date
    starts_at: datetime


class IdRow(msgspec.Struct, frozen=True):
    """The id of a series."""

    id: UUID


def gathering_texts(texts: Texts) -> dict[str, GatheringText]:
    """Typed texts of a row, Korean first."""
    return korean_first(msgspec.convert(texts, dict[str, GatheringText]))


async def find_series(on: Executor, series: UUID) -> Series | None:
    """A series in whatever state."""
    row = await _queries.one(on, "find_series", SeriesRow, id=series)
    return None if row is None else _series(row)


async def lock_series(on: Executor, series: UUID) -> Series | None:
    """A series that stays as it is until the transaction ends."""
    row = await _queries.one(on, "lock_series", SeriesRow, id=series)
    return None if row is None else _series(row)


async def list_series(on: Executor, after: UUID, most: int) -> list[Series]:
    """Series that were published, by id."""
    rows = await _queries.all(on, "list_series", SeriesRow, after=after, most=most)
    return [_series(row) for row in rows]


async def list_published_ids(on: Executor) -> list[UUID]:
    """Ids of the series whose occurrences go on."""
    return [row.id for row in await _queries.all(on, "list_published_ids", IdRow)]


async def has_series(on: Executor) -> bool:
    """Whether there is any series at all."""
    return bool(await _queries.value(on, "has_series"))


async def insert_series(on: Executor, series: UUID, plan: SeriesPlan, now: datetime) -> bool:
    """Write a new series in its first version. False when the id is taken."""
    return await _queries.run(on, "insert_series", **_columns(series, plan, now)) == 1


async def change_series(on: Executor, series: UUID, plan: SeriesPlan, now: datetime) -> None:
    """Write the next version of a series."""
    await _queries.run(on, "change_series", **_columns(series, plan, now))


async def last_occurrence(on: Executor, series: UUID) -> LastRow | None:
    """The occurrence with the latest recurrence id."""
    return await _queries.one(on, "last_occurrence", LastRow, series=series)


async def add_occurrences(on: Executor, series: UUID, made: Sequence[Planned]) -> int:
    """Write those that are missing; gives their number."""
    return await _queries.run(
        on,
        "add_occurrences",
        series=series,
        ids=[each.id for each in made],
        recurrence_ids=[each.recurrence_id for each in made],
        starts=[each.starts_at for each in made],
        ends=[each.ends_at for each in made],
    )


async def move_occurrences(on: Executor, made: Sequence[Planned], now: datetime) -> int:
    """Give those that have not begun their new times; gives the number that changed."""
    return await _queries.run(
        on,
        "move_occurrences",
        ids=[each.id for each in made],
        starts=[each.starts_at for each in made],
        ends=[each.ends_at for each in made],
        now=now,
    )


async def withdraw_occurrences(
    on: Executor, series: UUID, made: Sequence[Planned], now: datetime
) -> int:
    """Cancel those ahead that are none of `made`; gives their number."""
    return await _queries.run(
        on,
        "withdraw_occurrences",
        series=series,
        recurrence_ids=[each.recurrence_id for each in made],
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


def _columns(series: UUID, plan: SeriesPlan, now: datetime) -> dict[str, object]:
    return {
        "id": series,
        "kind": plan.kind,
        "texts": plan.texts,
        "place": plan.place,
        "time_zone": plan.time_zone,
        "starts_local": plan.starts_local,
        "duration_minutes": plan.duration_minutes,
        "rrule": plan.rrule,
        "reminder_minutes": plan.reminder_minutes,
        "state": plan.state,
        "now": now,
    }


def _series(row: SeriesRow) -> Series:
    return Series(
        id=row.id,
        kind=row.kind,
        texts=gathering_texts(row.texts),
        place=row.place,
        time_zone=row.time_zone,
        starts_local=row.starts_local,
        duration_minutes=row.duration_minutes,
        rrule=row.rrule,
        reminder_minutes=row.reminder_minutes,
        state=row.state,
        version=row.version,
    )
