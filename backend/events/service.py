"""Verbs about series and their occurrences. Never deletes an occurrence, never asks who comes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.core.clock import Clock
from backend.core.database import Connection, Pool
from backend.core.errors import Conflict, NotFound, Unacceptable
from backend.core.languages import pick
from backend.events import repository, rules
from backend.events.repository import OccurrenceRow
from backend.events.rules import Schedule
from backend.places.service import PlaceService
from schemas.events import Occurrence, OccurrenceDetail, Series, SeriesPlan, SeriesState

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
        return found

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
        return found[:PAGE_SIZE], len(found) > PAGE_SIZE

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
            before = await repository.lock_series(connection, series)
            if before is None and based_on is not None:
                raise PreconditionFailed
            if before is None and await repository.insert_series(connection, series, plan, now):
                await self._materialise(connection, held, plan.state, now, known=False)
                return _as_series(series, plan, 1), True
            before = before or await repository.lock_series(connection, series)
            assert before is not None  # noqa: S101 - no statement deletes a series
            after = _as_series(series, plan, before.version)
            if before == after:
                return before, False
            _check(before, plan, based_on)
            await repository.change_series(connection, series, plan, now)
            known = before.state != "draft"
            await self._materialise(connection, held, plan.state, now, known=known)
        return msgspec.structs.replace(after, version=before.version + 1), False

    async def _materialise(
        self,
        on: Connection,
        held: Schedule,
        state: SeriesState,
        now: datetime,
        *,
        known: bool,
    ) -> None:
        """Write the occurrences of a series: all of them, or from today on when people know it
        already. A draft has none; a series that ended has none ahead.
        """
        if state == "draft":
            return
        last = await repository.last_occurrence(on, held.series) if known else None
        before = now
        if state == "published":
            before = rules.horizon(now, held.first_start)
            if last is not None:
                before = max(before, last.starts_at + timedelta(days=1))
        planned = rules.expand(
            held,
            before=before,
            since=now.astimezone(held.zone).date() if known else None,
            limit=rules.MAX_OCCURRENCES + 1,
        )
        if len(planned) > rules.MAX_OCCURRENCES:
            sentence = f"A series makes at most {rules.MAX_OCCURRENCES} occurrences at once."
            raise Unacceptable("too-many-occurrences", sentence)
        if known:
            await repository.move_occurrences(on, planned, now)
            await repository.withdraw_occurrences(on, held.series, planned, now)
        await repository.add_occurrences(on, held.series, planned)

    async def published_series(self) -> list[UUID]:
        """The series whose occurrences go on."""
        return await repository.list_published_ids(self._pool)

    async def materialise(self, series: UUID) -> int:
        """Write down the occurrences that came within the horizon; gives their number.

        Only adds. Any number of workers may do it at once, and one that was away catches up.
        """
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            plan = await repository.lock_series(connection, series)
            if plan is None or plan.state != "published":
                return 0
            held = rules.schedule(series, plan)
            last = await repository.last_occurrence(connection, series)
            today = now.astimezone(held.zone).date()
            planned = rules.expand(
                held,
                before=rules.horizon(now, held.first_start),
                since=None if last is None else min(today, last.recurrence_id),
            )
            return await repository.add_occurrences(connection, series, planned)

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
        told = self._occurrence(row, wanted)
        return OccurrenceDetail(
            **{name: getattr(told, name) for name in told.__struct_fields__},
            texts=repository.gathering_texts(row.texts),
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
                titles={language: text["title"] for language, text in row.texts.items()},
                place_names=self._places.get(row.place).names,
            )
            for row in rows
            for minutes in rules.reminders_due(row.starts_at, row.reminder_minutes, now)
        ]

    def _occurrence(self, row: OccurrenceRow, wanted: tuple[str, ...]) -> Occurrence:
        language, text = pick(row.texts, wanted)
        zone = ZoneInfo(row.time_zone)
        return Occurrence(
            id=row.id,
            series=row.series,
            kind=row.kind,
            state=row.state,
            starts_at=row.starts_at.astimezone(zone),
            ends_at=row.ends_at.astimezone(zone),
            time_zone=row.time_zone,
            lang=language,
            title=text["title"],
            summary=text["summary"],
            meeting_point=text["meetingPoint"],
            place=self._places.get(row.place),
        )


def _check(before: Series, plan: SeriesPlan, based_on: Precondition | None) -> None:
    """Refuse a change that would overwrite another, or hide what people know."""
    if based_on is None:
        raise PreconditionNeeded
    if not based_on(before):
        raise PreconditionFailed
    if plan.state == "draft" and before.state != "draft":
        raise Conflict("published", "People know this series; it cannot become a draft again.")


def _as_series(series: UUID, plan: SeriesPlan, version: int) -> Series:
    fields = {name: getattr(plan, name) for name in SeriesPlan.__struct_fields__}
    return Series(**fields, id=series, version=version)
