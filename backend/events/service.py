"""Verbs about series and their occurrences. Never deletes an occurrence, never asks who comes."""

from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import NotFound
from backend.events import calendar_rules, repository, rules, telling, writing
from backend.events.calendar_model import CalendarSeries
from backend.events.repository import SeriesRow, WrittenRow
from backend.places.service import PlaceService
from schemas.changes import OccurrencePlan
from schemas.events import Occurrence, OccurrenceDetail, Series

PAGE_SIZE = 50
MOST_ROOTS = 1000
NOWHERE = UUID(int=0)
"""Stands before every id."""

_BEFORE_NOW = timedelta(hours=6)
_AHEAD = timedelta(days=60)
_REMINDERS_AHEAD = timedelta(days=14, hours=1)


class Position(msgspec.Struct, frozen=True):
    """A place in the list of occurrences: behind this start and id."""

    starts_at: datetime
    id: UUID


class Reminder(msgspec.Struct, frozen=True):
    """A reminder whose time has come. `starts_at` and `ends_at` are in the series' zone."""

    occurrence: UUID
    series: UUID
    minutes_before: int
    starts_at: datetime
    ends_at: datetime
    titles: dict[str, str]
    place_names: dict[str, str]


class EventService:
    """Series and occurrences."""

    def __init__(self, pool: Pool, clock: Clock, places: PlaceService) -> None:
        self._pool = pool
        self._clock = clock
        self._places = places
        self._roots: dict[UUID, UUID] = {}

    async def get_series(self, series: UUID) -> Series:
        """A series that was published.

        Raises:
            NotFound: there is none; a draft is none.
        """
        found = await repository.find_series(self._pool, series)
        if found is None or found.state == "draft":
            raise NotFound
        return found.series()

    async def get_plan(self, series: UUID) -> Series:
        """A series in whatever state, as organisers read it back.

        Raises:
            NotFound: there is none.
        """
        found = await repository.find_series(self._pool, series)
        if found is None:
            raise NotFound
        return found.series()

    async def version(self) -> int:
        """A number that grows with every change that the public can see."""
        return await repository.version(self._pool)

    async def titles(self, series: UUID) -> dict[str, str]:
        """What a series is called, by language.

        Raises:
            NotFound: there is no such series.
        """
        found = await self.get_series(series)
        return {language: text.title for language, text in found.texts.items()}

    async def root_of(self, series: UUID) -> UUID:
        """The first series of the line that one belongs to. It never changes.

        Raises:
            NotFound: `series-not-found`.
        """
        if series not in self._roots:
            found = await repository.find_series(self._pool, series)
            if found is None:
                raise NotFound("series-not-found", "There is no such series.")
            if len(self._roots) >= MOST_ROOTS:
                self._roots.clear()
            self._roots[series] = found.root
        return self._roots[series]

    async def list_series(self, after: UUID = NOWHERE) -> tuple[list[Series], bool]:
        """A page of the series that were published, by id, and whether more follow."""
        found = await repository.list_series(self._pool, after, PAGE_SIZE + 1)
        return [row.series() for row in found[:PAGE_SIZE]], len(found) > PAGE_SIZE

    async def list_drafts(self, after: UUID = NOWHERE) -> tuple[list[Series], bool]:
        """A page of the series that only organisers know, by id, and whether more follow."""
        found = await repository.list_drafts(self._pool, after, PAGE_SIZE + 1)
        return [row.series() for row in found[:PAGE_SIZE]], len(found) > PAGE_SIZE

    async def get_occurrence_plan(self, occurrence: UUID) -> OccurrencePlan:
        """What is different about one gathering, as organisers read it back.

        Raises:
            NotFound: there is none.
        """
        written = await repository.find_written(self._pool, occurrence)
        row = None if written is None else await repository.find_series(self._pool, written.series)
        if written is None or row is None:
            raise NotFound
        return telling.plan(row.series(), written)

    async def published_series(self) -> list[UUID]:
        """The series whose occurrences go on."""
        return await repository.list_published_ids(self._pool)

    async def materialise(self, series: UUID) -> int:
        """Write down the occurrences that came within the horizon; gives their number.

        Only adds. Any number of workers may do it at once, and one that was away catches up.
        """
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            found = await repository.lock_series(connection, series)
            if found is None or found.state != "published":
                return 0
            held = rules.schedule_of(found.series())
            written = await writing.write_ahead(connection, held, found.written_before or now, now)
            if written:
                await repository.bump_version(connection)
            return written

    async def calendar_series(
        self, *, series: UUID | None = None, occurrence: UUID | None = None
    ) -> list[CalendarSeries]:
        """What calendars tell: of the whole line that a series belongs to, of one occurrence, or
        of everything that was published. Two queries, however many there are.

        Raises:
            NotFound: there is no such series or occurrence.
        """
        if occurrence is not None:
            return [await self._single(occurrence)]
        line = await repository.list_line(self._pool, series)
        if series is not None and not line:
            raise NotFound
        rows = await repository.list_written(self._pool, [row.id for row in line])
        written = {id: list(group) for id, group in groupby(rows, key=lambda row: row.series)}
        return [self._calendar_series(row, written.get(row.id, [])) for row in line]

    def _calendar_series(self, row: SeriesRow, written: list[WrittenRow]) -> CalendarSeries:
        series = row.series()
        return calendar_rules.calendar_series(
            series,
            self._places.get(series.place),
            [telling.written(series, each, self._places) for each in written],
            row.written_before,
            row.sequence,
            row.changed_at,
        )

    async def _single(self, occurrence: UUID) -> CalendarSeries:
        written = await repository.find_written(self._pool, occurrence)
        row = None if written is None else await repository.find_series(self._pool, written.series)
        if written is None or row is None or row.state == "draft":
            raise NotFound
        series = row.series()
        return calendar_rules.single(series, telling.written(series, written, self._places))

    async def list_occurrences(
        self,
        *,
        earliest: datetime | None = None,
        latest: datetime | None = None,
        series: UUID | None = None,
        after: Position | None = None,
        wanted: tuple[str, ...] = (),
    ) -> tuple[list[Occurrence], bool]:
        """A page of occurrences by start and id, and whether more follow. One query.

        Args:
            earliest: first start; six hours ago when None.
            latest: the instant that starts lie before; when None, 60 days after now or after
                `earliest`, whichever is later.
            wanted: languages in the order of the reader's wish.
        """
        now = self._clock()
        earliest = earliest or now - _BEFORE_NOW
        position = after or Position(earliest, NOWHERE)
        rows = await repository.list_occurrences(
            self._pool,
            earliest=earliest,
            latest=latest or max(now, earliest) + _AHEAD,
            after_start=position.starts_at,
            after_id=position.id,
            series=series,
            most=PAGE_SIZE + 1,
        )
        return [
            telling.occurrence(row, self._places, wanted, now) for row in rows[:PAGE_SIZE]
        ], len(rows) > PAGE_SIZE

    async def get_occurrence(
        self, occurrence: UUID, wanted: tuple[str, ...] = ()
    ) -> OccurrenceDetail:
        """One occurrence of a series that was published.

        Raises:
            NotFound: there is none.
        """
        row = await repository.find_occurrence(self._pool, occurrence)
        if row is None:
            raise NotFound
        return telling.detail(row, self._places, wanted, self._clock())

    async def occurrences_with_reminders_due(self, now: datetime) -> list[Reminder]:
        """Reminders whose instant lies within the hour before `now`, of gatherings still ahead."""
        rows = await repository.list_upcoming(self._pool, now, now + _REMINDERS_AHEAD)
        return [
            Reminder(
                occurrence=row.id,
                series=row.series,
                minutes_before=minutes,
                starts_at=row.starts_at.astimezone(ZoneInfo(row.time_zone)),
                ends_at=row.ends_at.astimezone(ZoneInfo(row.time_zone)),
                titles={language: text.title for language, text in telling.texts(row).items()},
                place_names=self._places.get(row.place).names,
            )
            for row in rows
            for minutes in rules.reminders_due(row.starts_at, row.reminder_minutes, now)
        ]
