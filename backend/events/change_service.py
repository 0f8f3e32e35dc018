"""Verbs of organisers: make, change, split, cancel; and what hangs on it before it is confirmed.

A change is a value. To ask what it would do, it is done and undone. What takes gatherings away is
done only when enough organisers agree (P10); all else at once. Never silently: people who follow
the series get an alert, which organisers approve.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from backend.alerts.service import AlertService
from backend.coalition.service import CoalitionService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, DomainError, NotFound
from backend.core.guards import Organiser
from backend.core.live import WORK, Live
from backend.core.sql import Executor
from backend.events import (
    changing,
    effect_rules,
    preconditions,
    proposals,
    repository,
    rules,
    telling,
    writing,
)
from backend.events.calendar_rules import Written
from backend.events.changing import Site
from backend.events.effect_rules import Difference
from backend.events.preconditions import Precondition, PreconditionFailed, PreconditionNeeded
from backend.events.proposals import ACTION
from backend.events.repository import ProposalRow, SeriesRow, WrittenRow
from backend.places.service import PlaceService
from schemas.changes import (
    AddedDate,
    Cancellation,
    Change,
    Effects,
    FollowingChange,
    OccurrenceChange,
    Proposal,
    Reinstatement,
    RemovedDate,
    SeriesChange,
)
from schemas.events import SeriesPlan

__all__ = ["ChangeService", "Made", "Precondition", "PreconditionFailed", "PreconditionNeeded"]


class Made(NamedTuple):
    """What became of a change: done, as it was already, or waiting for organisers to agree."""

    new: bool = False
    proposal: Proposal | None = None
    alert: UUID | None = None


class _Done(NamedTuple):
    """A change that was carried out in a transaction that is still open."""

    row: SeriesRow
    """The series as it was before."""
    difference: Difference
    public: bool
    new: bool = False


class ChangeService:
    """What organisers do to series and gatherings."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        places: PlaceService,
        coalition: CoalitionService,
        alerts: AlertService,
        live: Live,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._places = places
        self._coalition = coalition
        self._alerts = alerts
        self._live = live

    async def make(
        self, change: Change, organiser: Organiser, based_on: Precondition | None = None
    ) -> Made:
        """Do it, or propose it when it takes gatherings away that people know of.

        To ask for what is there already changes nothing and needs no precondition: it is the same
        request again (RFC 9110 section 13.1.1).

        Raises:
            NotFound, Conflict, Unacceptable: see `backend.events.changing`.
            PreconditionNeeded, PreconditionFailed: see there.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            attempt = connection.transaction()
            await attempt.start()
            try:
                done = await self._carry_out(connection, change, based_on)
            except BaseException:
                await attempt.rollback()
                raise
            if done is None:
                await attempt.rollback()
                return Made()
            if done.difference.cancelled:
                effects = await self._effects(connection, done)
                await attempt.rollback()
                proposal = await self._propose(connection, change, done, effects, organiser)
                return Made(proposal=proposal)
            await attempt.commit()
            alert = await self._announce(connection, done, organiser.id, standing=0)
            if done.public:
                await repository.bump_version(connection)
        await self._live.tell(done.row.root)
        return Made(new=done.new, alert=alert)

    async def effects(self, change: Change) -> Effects:
        """What a change would do. Does nothing.

        Raises:
            NotFound, Conflict, Unacceptable: as the change itself would.
        """
        async with self._pool.acquire() as connection:
            attempt = connection.transaction()
            await attempt.start()
            try:
                done = await self._carry_out(connection, change, _whatever_is_there)
                return _NO_EFFECTS if done is None else await self._effects(connection, done)
            finally:
                await attempt.rollback()

    async def approve(self, proposal: UUID, organiser: Organiser) -> Proposal:
        """Agree to a change; with enough organisers behind it, it is done and people are told.

        Raises:
            NotFound: there is no such proposal.
            Conflict: `proposal-over`, it was withdrawn; `changed-meanwhile`, the series is not the
                one that it was decided on; or see `backend.events.changing`.
            Refused: see `CoalitionService.approve`.
        """
        done = None
        async with self._pool.acquire() as connection, connection.transaction():
            row = await self._locked(connection, proposal)
            if row.state == "open":
                present = await repository.lock_series(connection, row.series)
                if present is None or present.sequence != row.based_on:
                    sentence = "The series has changed since; propose it again."
                    raise Conflict("changed-meanwhile", sentence)
                decided = await self._coalition.approve(
                    connection,
                    subject=row.id,
                    action=ACTION,
                    organiser=organiser.id,
                    composer=row.composer,
                    needed=self._coalition.threshold(ACTION),
                )
                if decided.granted:
                    change = msgspec.convert(row.change, Change)
                    done = await self._carry_out(connection, change, _whatever_is_there)
                    if done is not None:
                        composer = row.composer or organiser.id
                        await self._announce(connection, done, composer, decided.given)
                        await repository.bump_version(connection)
                    await repository.decide_proposal(connection, row.id, "done", self._clock())
            shown = await proposals.shown(
                connection, await self._locked(connection, proposal), self._coalition
            )
        if done is not None:
            await self._live.tell(done.row.root)
            await self._live.tell(WORK)
        return shown

    async def _locked(self, on: Executor, proposal: UUID) -> ProposalRow:
        row = await repository.lock_proposal(on, proposal)
        if row is None:
            raise NotFound
        if row.state == "withdrawn":
            raise Conflict("proposal-over", "This proposal was withdrawn.")
        return row

    async def _carry_out(
        self, on: Executor, change: Change, based_on: Precondition | None
    ) -> _Done | None:
        """Do a change in an open transaction. None when it is as asked already."""
        now = self._clock()
        if isinstance(change, SeriesChange | FollowingChange):
            plan = changing.checked(change.series, change.plan, self._places)
            change = msgspec.structs.replace(change, plan=plan)
        if isinstance(change, SeriesChange):
            plan = change.plan
            row = await repository.lock_series(on, change.series)
            if row is None:
                if based_on is not None and based_on is not _whatever_is_there:
                    raise PreconditionFailed
                if await repository.insert_series(on, change.series, plan, now):
                    return await self._first(on, change.series, plan)
        site, written = await self._site(on, change)
        if isinstance(change, FollowingChange) and await _was_split(on, change, written):
            return None
        if site.row.state == "published":
            await writing.write_ahead(on, site.held, site.written_before, now)
        before = await self._held(on, site.row.id)
        present = await self._present(on, site, change, written)
        try:
            if not await _act(site, change, written):
                return None
        except DomainError:
            preconditions.check(based_on, present)
            raise
        preconditions.check(based_on, present)
        after = await self._held(on, site.row.id, *_also(change))
        known = site.row.state != "draft"
        now_there = await repository.find_series(on, site.row.id)
        return _Done(
            row=site.row,
            difference=effect_rules.compare(before, after, now) if known else _NO_DIFFERENCE,
            public=known or (now_there is not None and now_there.state != "draft"),
            new=isinstance(change, FollowingChange),
        )

    async def _first(self, on: Executor, series: UUID, plan: SeriesPlan) -> _Done:
        now = self._clock()
        row = await repository.lock_series(on, series)
        assert row is not None  # noqa: S101 - it was written in this transaction
        await writing.write_first(on, rules.schedule_of(row.series()), plan.state, now)
        return _Done(row, _NO_DIFFERENCE, public=plan.state != "draft", new=True)

    async def _site(self, on: Executor, change: Change) -> tuple[Site, WrittenRow | None]:
        """Hold the series that changes, and find the gathering that it is about."""
        if isinstance(change, SeriesChange | AddedDate | RemovedDate):
            row = await repository.lock_series(on, change.series)
            if row is None:
                raise NotFound
            return Site(on, row, self._places, self._clock()), None
        written = await repository.find_written(on, change.occurrence)
        while written is not None:
            row = await repository.lock_series(on, written.series)
            written = await repository.find_written(on, change.occurrence)
            if row is not None and written is not None and written.series == row.id:
                return Site(on, row, self._places, self._clock()), written
        raise NotFound

    async def _present(
        self, on: Executor, site: Site, change: Change, written: WrittenRow | None
    ) -> list[msgspec.Struct]:
        """The forms in which an organiser may have seen what she changes."""
        present: list[msgspec.Struct] = []
        if written is None or isinstance(change, FollowingChange):
            present.append(site.series)
        if written is not None:
            present.append(telling.plan(site.series, written))
            row = await repository.find_occurrence(on, written.id)
            if row is not None:
                present += telling.details(row, self._places, site.now)
        return present

    async def _held(self, on: Executor, *series: UUID) -> list[Written]:
        """What is written down of some series, as people see it."""
        rows = {
            row.id: row.series()
            for id in series
            if (row := await repository.find_series(on, id)) is not None
        }
        return [
            telling.written(rows[each.series], each, self._places)
            for each in await repository.list_written(on, list(rows))
        ]

    async def _effects(self, on: Executor, done: _Done) -> Effects:
        difference, zone = done.difference, ZoneInfo(done.row.time_zone)
        affected = [each.id for each in difference.all]
        phones, unsent = await self._alerts.hanging(on, done.row.root, affected)
        minutes = done.row.reminder_minutes
        return Effects(
            added=len(difference.added),
            moved=len(difference.moved),
            changed=len(difference.changed),
            cancelled=len(difference.cancelled),
            subscriptions=phones if affected else 0,
            alerts=unsent,
            reminders=effect_rules.reminders_lost(difference, minutes, self._clock()),
            approvals_needed=self._coalition.threshold(ACTION) if difference.cancelled else 0,
            kind=difference.kind,
            texts=effect_rules.announcement(difference, zone) if difference.kind else None,
        )

    async def _announce(
        self, on: Executor, done: _Done, composer: UUID, standing: int
    ) -> UUID | None:
        """Write the alert that tells people; with enough organisers standing, it goes out."""
        kind = done.difference.kind
        if kind is None:
            return None
        first = done.difference.notable[0]
        alert = uuid5(first.id, f"announcement {done.row.sequence + 1}")
        await self._alerts.announce(
            on,
            alert,
            series=done.row.root,
            occurrence=first.id,
            kind=kind,
            texts=effect_rules.announcement(done.difference, ZoneInfo(done.row.time_zone)),
            composer=composer,
            standing=standing,
        )
        return alert

    async def _propose(
        self, on: Executor, change: Change, done: _Done, effects: Effects, organiser: Organiser
    ) -> Proposal:
        content = msgspec.json.encode(change, order="deterministic")
        name = f"{done.row.sequence} {hashlib.sha256(content).hexdigest()}"
        row = ProposalRow(
            id=uuid5(done.row.id, name),
            series=done.row.id,
            change=msgspec.to_builtins(change),
            effects=msgspec.to_builtins(effects),
            based_on=done.row.sequence,
            composer=organiser.id,
            state="open",
            composed_at=self._clock(),
        )
        await repository.insert_proposal(on, row)
        return await proposals.shown(on, await self._locked(on, row.id), self._coalition)


_NO_DIFFERENCE = Difference([], [], [], [])
_NO_EFFECTS = Effects(
    added=0,
    moved=0,
    changed=0,
    cancelled=0,
    subscriptions=0,
    alerts=0,
    reminders=0,
    approvals_needed=0,
    kind=None,
    texts=None,
)


def _whatever_is_there(_: Iterable[msgspec.Struct]) -> bool:
    return True


async def _act(site: Site, change: Change, written: WrittenRow | None) -> bool:
    """Do what a change says; False when it is so already."""
    match change:
        case SeriesChange():
            return await changing.change_series(site, change.plan)
        case AddedDate():
            return await changing.add_date(site, change.date, change.plan)
        case RemovedDate():
            return await changing.remove_date(site, change.date)
        case _ if written is None:
            raise NotFound
        case _:
            return await _act_on_one(site, change, written)


async def _act_on_one(
    site: Site,
    change: OccurrenceChange | FollowingChange | Cancellation | Reinstatement,
    written: WrittenRow,
) -> bool:
    match change:
        case OccurrenceChange():
            return await changing.change_occurrence(site, written, change.plan)
        case FollowingChange():
            return await changing.split(site, written, change.series, change.plan)
        case Cancellation():
            return await changing.cancel(site, written, change.reason)
        case Reinstatement():
            return await changing.reinstate(site, written)


def _also(change: Change) -> tuple[UUID, ...]:
    """The series that a change makes besides."""
    return (change.series,) if isinstance(change, FollowingChange) else ()


async def _was_split(on: Executor, change: FollowingChange, written: WrittenRow | None) -> bool:
    """Whether the same split was made before.

    Raises:
        Conflict: `series-taken`, the id belongs to another series.
    """
    there = await repository.find_series(on, change.series)
    if there is None:
        return False
    wanted = rules.with_plan(there.series(), change.plan)
    since = None if written is None else written.recurrence_id
    if there.continues_from != since or wanted != there.series():
        raise Conflict("series-taken", "Another series has this id.")
    return True
