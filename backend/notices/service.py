"""Verbs about notices: what to file this week, what was done, what organisers are reminded of.

Knows gatherings through the events' service, and of people nothing at all.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import NotFound, Unacceptable
from backend.events.service import EventService, Position
from backend.notices import packs, record_rules, repository, rules
from backend.notices.rules import Gathering, Kept
from schemas.events import Occurrence
from schemas.notices import (
    Deadline,
    DueItem,
    Jurisdictions,
    Notice,
    NoticeItem,
    NoticeRecord,
    NoticeWeek,
    Step,
)

HOME = ZoneInfo(packs.KOREA.time_zones[0])
"""By whose clock it is this week, when nobody says which week is meant."""

_ZONES_APART = timedelta(days=1)
_AHEAD = timedelta(days=31)
"""Longer before its start than any window opens."""

Precondition = Callable[[Notice], bool]
"""Whether the notice as it stands is the one that a change was based on."""

Reminded = dict[tuple[UUID, Step, datetime], datetime]


class PreconditionNeeded(Exception):  # noqa: N818 - RFC 6585 section 3 calls it a requirement
    """A notice would change, and the caller did not say which version she saw."""


class PreconditionFailed(Exception):  # noqa: N818 - RFC 9110 section 15.5.13
    """The notice, or the start of its gathering, is not what the change was based on."""


class NoticeService:
    """Notices of gatherings, under the law of their place."""

    def __init__(self, pool: Pool, clock: Clock, events: EventService) -> None:
        self._pool = pool
        self._clock = clock
        self._events = events

    def jurisdictions(self) -> Jurisdictions:
        """Every pack of rules that ships."""
        return Jurisdictions(items=packs.ALL)

    async def find(self, occurrence: UUID) -> Notice:
        """Where the notice of a gathering stands.

        Raises:
            NotFound: there is no such gathering.
        """
        held = await self._events.get_occurrence(occurrence)
        kept = await repository.find(self._pool, occurrence)
        reminded = await repository.list_reminders(self._pool, [occurrence])
        return _notice(held, kept, reminded, self._clock())

    async def note(
        self, occurrence: UUID, record: NoticeRecord, based_on: Precondition | None = None
    ) -> Notice:
        """Note what was done. To note the same again changes nothing and needs no precondition.

        Raises:
            NotFound: there is no such gathering.
            Unacceptable, Conflict: see `record_rules.noted`.
            PreconditionNeeded, PreconditionFailed: see there.
        """
        held = await self._events.get_occurrence(occurrence)
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            found = await repository.lock(connection, occurrence)
            before = found or Kept()
            reminded = await repository.list_reminders(connection, [occurrence])
            if before.record == record:
                return _notice(held, before, reminded, now)
            if based_on is None:
                raise PreconditionNeeded
            if not based_on(_notice(held, before, reminded, now)):
                raise PreconditionFailed
            pack = packs.pack_of(held.time_zone)
            after = record_rules.noted(pack, _gathering(held), before, record, now)
            if found is not None:
                await repository.change(connection, occurrence, after)
            elif not await repository.insert(connection, occurrence, after):
                raise PreconditionFailed
        return _notice(held, after, reminded, now)

    async def week(self, week: str | None = None, wanted: tuple[str, ...] = ()) -> NoticeWeek:
        """What organisers can or must do before a week is over.

        Args:
            week: such as `2024-W36` (ISO 8601); this one, as it is in Seoul, when None.
            wanted: languages of the titles, in the order of the reader's wish.

        Raises:
            Unacceptable: `no-such-week`, its year has fewer.
        """
        now = self._clock()
        monday = rules.week_of(now, HOME) if week is None else rules.monday_of(week)
        if monday is None:
            raise Unacceptable("no-such-week", "That year has no such week.")
        begins, ends = rules.bounds(monday, HOME)
        items: list[NoticeItem] = []
        due: list[DueItem] = []
        for held, notice in await self._notices(begins, ends, now, wanted):
            begins, ends = rules.bounds(monday, ZoneInfo(held.time_zone))
            steps = rules.due_by(notice.deadlines, ends)
            if not steps and not begins <= held.starts_at < ends:
                continue
            items.append(_item(held, notice))
            due += (_due(held, step.deadline, must=step.must) for step in steps)
        due.sort(key=lambda each: (each.at, each.occurrence))
        return NoticeWeek(week=rules.week_name(monday), due=due, items=items)

    async def remind(self) -> int:
        """Write every reminder that is due and not yet written; gives their number.

        Repeating it, or doing it in several workers at once, writes nothing twice.
        """
        now = self._clock()
        found = await self._held(now, now)
        kept = await repository.list_kept(self._pool, [held.id for held in found])
        due = [
            (held.id, reminder)
            for held in found
            for reminder in rules.reminders(
                packs.pack_of(held.time_zone), _gathering(held), kept.get(held.id, Kept()), now
            )
        ]
        return await repository.add_reminders(self._pool, due, now) if due else 0

    async def _notices(
        self, begins: datetime, ends: datetime, now: datetime, wanted: tuple[str, ...]
    ) -> list[tuple[Occurrence, Notice]]:
        """The notices that a week can concern, of places with a law that is known."""
        found = await self._held(begins, ends, wanted)
        ids = [held.id for held in found]
        kept = await repository.list_kept(self._pool, ids)
        reminded = await repository.list_reminders(self._pool, ids)
        return [
            (held, _notice(held, kept.get(held.id, Kept()), reminded, now))
            for held in found
            if packs.pack_of(held.time_zone).rules
        ]

    async def _held(
        self, begins: datetime, ends: datetime, wanted: tuple[str, ...] = ()
    ) -> list[Occurrence]:
        """Gatherings for which there may be something to do, by start.

        Besides those ahead, the ones whose notice names a start in that span from which they were
        moved away: that notice is to be withdrawn.
        """
        earliest, latest = begins - _ZONES_APART, ends + _AHEAD
        found: list[Occurrence] = []
        after: Position | None = None
        more = True
        while more:
            page, more = await self._events.list_occurrences(
                earliest=earliest, latest=latest, after=after, wanted=wanted
            )
            found += page
            after = Position(page[-1].starts_at, page[-1].id) if page else None
        known = {held.id for held in found}
        for occurrence in await repository.list_standing(self._pool, earliest, latest):
            if occurrence not in known:
                try:
                    found.append(await self._events.get_occurrence(occurrence, wanted))
                except NotFound:
                    continue
        return sorted(found, key=lambda held: (held.starts_at, held.id))


def _gathering(held: Occurrence) -> Gathering:
    return Gathering(held.kind, held.starts_at, ZoneInfo(held.time_zone), held.state == "cancelled")


def _notice(held: Occurrence, kept: Kept, reminded: Reminded, now: datetime) -> Notice:
    pack, gathering = packs.pack_of(held.time_zone), _gathering(held)
    state, exemption = rules.state_of(pack, gathering, kept, now)
    told = [
        _local(each, reminded.get((held.id, each.step, each.at)), gathering.zone)
        for each in rules.deadlines(pack, gathering, kept, now)
    ]
    return Notice(
        occurrence=held.id,
        series=held.series,
        kind=held.kind,
        starts_at=held.starts_at,
        called_off=gathering.called_off,
        jurisdiction=pack.id,
        office=rules.office_of(pack, kept.record.stations),
        state=state,
        exemption=exemption,
        filed_for=kept.filed_for and kept.filed_for.astimezone(gathering.zone),
        covers=rules.covers(gathering, kept),
        ban_lapsed=rules.ban_lapsed(pack, gathering, kept, now),
        record=record_rules.in_zone(kept.record, gathering.zone),
        version=kept.version,
        deadlines=told,
    )


def _local(each: Deadline, reminded: datetime | None, zone: ZoneInfo) -> Deadline:
    """A deadline by the clock of a zone, with when organisers were last reminded of it."""
    return msgspec.structs.replace(
        each,
        at=each.at.astimezone(zone),
        happened_at=each.happened_at and each.happened_at.astimezone(zone),
        reminded_at=reminded and reminded.astimezone(zone),
    )


def _item(held: Occurrence, notice: Notice) -> NoticeItem:
    fields = {name: getattr(notice, name) for name in Notice.__struct_fields__}
    return NoticeItem(**fields, lang=held.lang, title=held.title)


def _due(held: Occurrence, deadline: Deadline, *, must: bool) -> DueItem:
    return DueItem(
        occurrence=held.id,
        step=deadline.step,
        article=deadline.article,
        at=deadline.at,
        must=must,
        reminded_at=deadline.reminded_at,
    )
