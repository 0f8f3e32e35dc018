"""Verbs about series and their occurrences. Never deletes an occurrence, never asks who comes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, NotFound, Unacceptable
from backend.core.languages import pick
from backend.events import calendar_rules, repository, rules, writing
from backend.events.calendar_model import CalendarSeries
from backend.events.calendar_rules import Written
from backend.events.repository import OccurrenceRow, SeriesRow, UpcomingRow, WrittenRow
from backend.places.service import PlaceService
from schemas.events import GatheringText, Occurrence, OccurrenceDetail, Series, SeriesPlan

PAGE_SIZE = 50
NOWHERE = UUID(int=0)
"""Stands before every id."""

_BEFORE_NOW = timedelta(hours=6)
_AHEAD = timedelta(days=60)
_REMINDERS_AHEAD = timedelta(days=14, hours=1)

Precondition = Callable[[Series], bool]
"""Whether the series that is there is the one that a change was based on."""


class PreconditionNeeded(Exception):  # noqa: N818 - RFC 6585 section 3 calls it a requirement
    """A series would change, and the caller did not say which version she saw."""


class PreconditionFailed(Exception):  # noqa: N818 - RFC 9110 section 15.5.13
    """The series is not the one that the change was based on."""


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

    async def list_series(self, after: UUID = NOWHERE) -> tuple[list[Series], bool]:
        """A page of the series that were published, by id, and whether more follow."""
        found = await repository.list_series(self._pool, after, PAGE_SIZE + 1)
        return [row.series() for row in found[:PAGE_SIZE]], len(found) > PAGE_SIZE

    async def put_series(
        self, series: UUID, plan: SeriesPlan, based_on: Precondition | None = None
    ) -> tuple[Series, bool]:
        """Make or change a series and its occurrences; gives it, and whether it is new.

        To ask for what is there already changes nothing and needs no precondition: it is the same
        request again (RFC 9110 section 13.1.1). A change reaches what has not begun: gatherings
        keep their id on a new hour, and those that the rule no longer makes are cancelled.

        Raises:
            Unacceptable: `unknown-place`, `unknown-time-zone`, `rule-refused`,
                `start-outside-rule`, `too-many-occurrences`.
            Conflict: `published`, a series that people know cannot become a draft again.
            PreconditionNeeded, PreconditionFailed: see there.
        """
        if self._places.find(plan.place) is None:
            raise Unacceptable("unknown-place", "The gazetteer has no such place.")
        held = rules.schedule(series, plan)
        if held.rule is not None:
            plan = msgspec.structs.replace(plan, rrule=str(held.rule))
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            found = await repository.lock_series(connection, series)
            if found is None and based_on is not None:
                raise PreconditionFailed
            if found is None and await repository.insert_series(connection, series, plan, now):
                await writing.write_first(connection, held, plan.state, now)
                await repository.bump_version(connection)
                return _first(series, plan), True
            found = found or await repository.lock_series(connection, series)
            assert found is not None  # noqa: S101 - no statement deletes a series
            before = found.series()
            after = _with_plan(before, plan)
            if before == after:
                return before, False
            _check(before, plan, based_on)
            held = rules.schedule_of(after)
            bound = before.ends_before
            if plan.state == "ended" != before.state:
                bound = rules.ended_on(held, now)
            elif before.state == "ended" != plan.state:
                bound = await repository.handed_over_on(connection, series)
            held = msgspec.structs.replace(held, ends_before=bound)
            await repository.change_series(
                connection, series, plan, now, before.removed_dates, bound
            )
            if before.state == "draft":
                await writing.write_first(connection, held, plan.state, now)
            else:
                sequence = found.sequence + 1
                await writing.write_anew(connection, held, plan.state, sequence, now)
            await repository.bump_version(connection)
        return msgspec.structs.replace(after, version=before.version + 1, ends_before=bound), False

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
            written = await writing.write_ahead(connection, held, now)
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
            [self._written(series, each) for each in written],
            row.sequence,
            row.changed_at,
        )

    async def _single(self, occurrence: UUID) -> CalendarSeries:
        written = await repository.find_written(self._pool, occurrence)
        row = None if written is None else await repository.find_series(self._pool, written.series)
        if written is None or row is None or row.state == "draft":
            raise NotFound
        series = row.series()
        return calendar_rules.single(series, self._written(series, written))

    def _written(self, series: Series, row: WrittenRow) -> Written:
        return Written(
            id=row.id,
            recurrence_id=row.recurrence_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            state=row.state,
            texts=rules.merged(series.texts, repository.own_texts(row.texts)),
            place=self._places.get(row.place or series.place),
            own=row.texts is not None or row.place is not None,
            reason=row.reason,
            sequence=row.sequence,
            changed_at=row.changed_at,
        )

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
        return [self._occurrence(row, wanted) for row in rows[:PAGE_SIZE]], len(rows) > PAGE_SIZE

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
        told, texts = self._occurrence(row, wanted), _texts(row)
        remarks, borrowed = rules.with_borrowed(texts, told.lang)
        return OccurrenceDetail(
            **{name: getattr(told, name) for name in told.__struct_fields__},
            press=repository.press(row.press),
            remarks=remarks,
            borrowed=borrowed,
            texts=texts,
        )

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
                titles={language: text.title for language, text in _texts(row).items()},
                place_names=self._places.get(row.place).names,
            )
            for row in rows
            for minutes in rules.reminders_due(row.starts_at, row.reminder_minutes, now)
        ]

    def _occurrence(self, row: OccurrenceRow, wanted: tuple[str, ...]) -> Occurrence:
        language, text = pick(_texts(row), wanted)
        zone = ZoneInfo(row.time_zone)
        return Occurrence(
            id=row.id,
            series=row.series,
            root=row.root,
            kind=row.kind,
            state=rules.told_state(row.state, row.ends_at, self._clock()),
            reason=None if row.reason is None else pick(row.reason, (language, *wanted))[1],
            starts_at=row.starts_at.astimezone(zone),
            ends_at=row.ends_at.astimezone(zone),
            time_zone=row.time_zone,
            lang=language,
            title=text.title,
            summary=text.summary,
            meeting_point=text.meeting_point,
            place=self._places.get(row.place),
        )


def _texts(row: OccurrenceRow | UpcomingRow) -> dict[str, GatheringText]:
    return rules.merged(repository.gathering_texts(row.texts), repository.own_texts(row.own_texts))


def _check(before: Series, plan: SeriesPlan, based_on: Precondition | None) -> None:
    """Refuse a change that would overwrite another, or hide what people know."""
    if based_on is None:
        raise PreconditionNeeded
    if not based_on(before):
        raise PreconditionFailed
    if plan.state == "draft" and before.state != "draft":
        raise Conflict("published", "People know this series; it cannot become a draft again.")


def _first(series: UUID, plan: SeriesPlan) -> Series:
    fields = {name: getattr(plan, name) for name in SeriesPlan.__struct_fields__}
    return Series(**fields, id=series, root=series, removed_dates=[], version=1)


def _with_plan(before: Series, plan: SeriesPlan) -> Series:
    fields = {name: getattr(plan, name) for name in SeriesPlan.__struct_fields__}
    return msgspec.structs.replace(before, **fields)
