"""Whatever organisers change, in whatever order, list and calendar tell what they decided."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from backend.alerts.service import AlertService
from backend.coalition.commands import invite
from backend.coalition.service import CoalitionService
from backend.core.database import Pool, open_pool
from backend.core.errors import DomainError
from backend.core.guards import Organiser
from backend.core.live import Live
from backend.core.redis import open_redis
from backend.core.tokens import new_token, parse_token
from backend.events.change_service import ChangeService
from backend.events.service import EventService, Position
from backend.places.service import PlaceService
from backend.settings import Settings
from schemas import changes as wire
from schemas.coalition import InviteRedemption, Role
from schemas.events import SeriesPlan
from tests.events.gatherings import FRIDAY_PLAN
from tests.events.machine import AHEAD, DAY, ZONE, Gathering, Line, Segment
from tests.events.model import instants_by_rule
from tests.support.clock import SetClock

Answer = TypeVar("Answer")
NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAYS = st.frozensets(st.integers(0, 6), min_size=1, max_size=2)
HOURS = st.sampled_from([time(2, 30), time(11), time(19), time(23, 30)])
BEGINNING = datetime(2024, 9, 2, 3, tzinfo=UTC)
REASON = {"ko": "비"}
EXAMPLES = 25


class House:
    """The services over a real database, in an event loop of their own."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.new_event_loop()
        thresholds = dict.fromkeys(settings.approvals, 1)
        self.settings = msgspec.structs.replace(settings, approvals=thresholds)
        self.clock = SetClock()
        self.pool: Pool = self.do(open_pool(self.settings, "exit10_api", size=2))
        self.redis = open_redis(self.settings)
        places, live = PlaceService(), Live(self.redis)
        coalition = CoalitionService(self.pool, self.clock, self.settings)
        self.events = EventService(self.pool, self.clock, places)
        alerts = AlertService(self.pool, self.clock, self.settings, self.events, coalition, live)
        self.changes = ChangeService(self.pool, self.clock, places, coalition, alerts, live)
        self.organiser: Organiser = self.do(self._organiser(coalition))

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for something."""
        return self.loop.run_until_complete(work)

    async def _organiser(self, coalition: CoalitionService) -> Organiser:
        link = await invite(self.settings, Role.ADMIN, clock=self.clock)
        bearer = parse_token(new_token())
        assert bearer is not None
        await coalition.redeem_invite(bearer, InviteRedemption(invite=link.token))
        organiser = await coalition.authenticate(bearer)
        assert organiser is not None
        return organiser

    def close(self) -> None:
        """Let go of everything."""
        self.do(self.redis.aclose())
        self.do(self.pool.close())
        self.loop.close()


class Organisers(RuleBasedStateMachine):
    """Organisers who change their minds. Every change is made twice: the second does nothing."""

    house: House

    @initialize(weekdays=WEEKDAYS, hour=HOURS)
    def schedule(self, weekdays: frozenset[int], hour: time) -> None:
        """Make a series that begins on Monday or soon after."""
        self.house.clock.set(BEGINNING)
        first = _first(date(2024, 9, 2), weekdays)
        self.ids: dict[int, UUID] = {}
        segment = Segment(first, weekdays, hour)
        self.root = self._named(segment)
        self._make(wire.SeriesChange(series=self.root, plan=_plan(segment)))
        self.line = Line(segment, BEGINNING)
        self._compare()

    def _named(self, segment: Segment) -> UUID:
        return self.ids.setdefault(id(segment), uuid4())

    def _make(self, change: wire.Change) -> None:
        for _ in range(2):
            made = self.house.do(
                self.house.changes.make(change, self.house.organiser, lambda _: True)
                if not isinstance(change, wire.SeriesChange) or hasattr(self, "line")
                else self.house.changes.make(change, self.house.organiser)
            )
            if made.proposal is not None:
                approval = self.house.changes.approve(made.proposal.id, self.house.organiser)
                assert self.house.do(approval).state is wire.ProposalState.DONE

    def _compare(self) -> None:
        held, cancelled = self.house.do(self._told())
        assert held == self.line.told("held")
        assert cancelled == self.line.told("cancelled")
        until = self.line.now + AHEAD - DAY
        calendars = self.house.do(self.house.events.calendar_series(series=self.root))
        in_calendars = instants_by_rule(calendars, until)
        assert _before(in_calendars[0], until) == _before(held, until)
        assert _before(in_calendars[1], until) == _before(cancelled, until)

    async def _told(self) -> tuple[list[datetime], list[datetime]]:
        after, more = None, True
        held: list[datetime] = []
        cancelled: list[datetime] = []
        while more:
            page, more = await self.house.events.list_occurrences(
                earliest=BEGINNING - AHEAD,
                latest=BEGINNING + 20 * AHEAD,
                series=self.root,
                after=after,
            )
            for each in page:
                start = each.starts_at.astimezone(UTC)
                (cancelled if each.state == "cancelled" else held).append(start)
            after = Position(page[-1].starts_at, page[-1].id) if page else None
        return held, cancelled

    def _pick(self, data: st.DataObject, *states: str) -> Gathering | None:
        found = [each for each in self.line.ahead() if each.state in states][:12]
        return data.draw(st.sampled_from(found)) if found else None

    def _occurrence(self, one: Gathering) -> UUID:
        """Its id: of the first series that announced it."""
        rows = self.house.do(
            self.house.pool.fetchrow(
                "select id from occurrence where series = $1 and recurrence_id = $2",
                self._named(one.segment),
                one.day,
            )
        )
        assert rows is not None
        return rows["id"]

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        """Days go by, and the worker looks again."""
        self.line.pass_time(days)
        self.house.clock.set(self.line.now)
        for series in self.ids.values():
            self.house.do(self.house.events.materialise(series))
        self._compare()

    @rule(data=st.data(), days=st.integers(-3, 9), hour=HOURS)
    def move_one(self, data: st.DataObject, days: int, hour: time) -> None:
        """This one is held on another day."""
        one = self._pick(data, "held")
        if one is None:
            return
        local = datetime.combine(one.day + days * DAY, hour)
        plan = wire.OccurrencePlan(starts_local=local)
        change = wire.OccurrenceChange(occurrence=self._occurrence(one), plan=plan)
        if local.replace(tzinfo=ZONE) <= self.line.now:
            with pytest.raises(DomainError):
                self._make(change)
            return
        self._make(change)
        self.line.catch_up()
        self.line.move(one, local)
        self._compare()

    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        """This one is called off."""
        one = self._pick(data, "held", "cancelled")
        if one is not None:
            self._make(wire.Cancellation(occurrence=self._occurrence(one), reason=REASON))
            self.line.catch_up()
            self.line.cancel(one)
            self._compare()

    @rule(data=st.data())
    def reinstate_one(self, data: st.DataObject) -> None:
        """This one is held after all."""
        one = self._pick(data, "cancelled")
        late = one is not None and one.segment.start(one.day) <= self.line.now
        if one is not None and not one.segment.ended and not (late and not one.moved):
            self._make(wire.Reinstatement(occurrence=self._occurrence(one)))
            self.line.catch_up()
            self.line.reinstate(one)
            self._compare()

    @rule(data=st.data())
    def remove_one(self, data: st.DataObject) -> None:
        """This one is struck from the list."""
        one = self._pick(data, "held", "cancelled")
        if one is not None:
            self._make(wire.RemovedDate(series=self._named(one.segment), date=one.day))
            self.line.catch_up()
            self.line.remove(one)
            self._compare()

    @rule(data=st.data(), days=st.integers(1, 60))
    def add_one(self, data: st.DataObject, days: int) -> None:
        """One more is held, or one that was removed."""
        segment = data.draw(st.sampled_from(self.line.segments))
        day = self.line.now.astimezone(ZONE).date() + days * DAY
        bound = segment.ends_before
        there = [
            each
            for each in self.line.gatherings
            if each.segment is segment and each.day == day and each.state != "removed"
        ]
        if segment.ended or (bound is not None and day >= bound) or there:
            return
        plan = wire.OccurrencePlan()
        self._make(wire.AddedDate(series=self._named(segment), date=day, plan=plan))
        self.line.catch_up()
        self.line.add(segment, day)
        self._compare()

    @rule(data=st.data(), weekdays=WEEKDAYS, hour=HOURS)
    def change_all(self, data: st.DataObject, weekdays: frozenset[int], hour: time) -> None:
        """A series has another rule from now on."""
        segment = data.draw(st.sampled_from(self.line.segments))
        first = _first(segment.first, weekdays)
        wanted = Segment(first, weekdays, hour)
        self._make(wire.SeriesChange(series=self._named(segment), plan=_plan(wanted)))
        self.line.catch_up()
        self.line.change(segment, weekdays, hour, first)
        self._compare()

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """A series ends."""
        segment = data.draw(st.sampled_from(self.line.segments))
        if segment.ended:
            return
        plan = msgspec.structs.replace(_plan(segment), state="ended")
        self._make(wire.SeriesChange(series=self._named(segment), plan=plan))
        self.line.catch_up()
        self.line.end(segment)
        self._compare()

    @precondition(lambda self: len(self.line.segments) < 4)
    @rule(data=st.data(), weekdays=WEEKDAYS, hour=HOURS)
    def split(self, data: st.DataObject, weekdays: frozenset[int], hour: time) -> None:
        """From this one on, another series takes over."""
        one = self._pick(data, "held", "cancelled")
        if one is None or one.segment.ended:
            return
        old = one.segment
        days = range((one.day - old.first).days)
        whole = msgspec.structs.replace(old, removed=set())
        if not any(whole.makes(old.first + number * DAY) for number in days):
            return
        new = Segment(_first(one.day, weekdays), weekdays, hour)
        occurrence = self._occurrence(one)
        change = wire.FollowingChange(
            occurrence=occurrence, series=self._named(new), plan=_plan(new)
        )
        self._make(change)
        self.line.catch_up()
        self.line.split(one, new)
        self._compare()


def _first(since: date, weekdays: frozenset[int]) -> date:
    return next(
        since + number * DAY for number in range(7) if (since + number * DAY).weekday() in weekdays
    )


def _plan(segment: Segment) -> SeriesPlan:
    return msgspec.structs.replace(
        FRIDAY_PLAN,
        time_zone=ZONE.key,
        starts_local=datetime.combine(segment.first, segment.hour),
        rrule="FREQ=WEEKLY;BYDAY=" + ",".join(NAMES[day] for day in sorted(segment.weekdays)),
    )


def _before(instants: list[datetime], until: datetime) -> list[datetime]:
    return [each for each in instants if each < until]


def test_list_and_calendar_tell_what_organisers_decided(settings: Settings) -> None:
    house = House(settings)
    Organisers.house = house
    try:
        run_machine(
            Organisers,
            settings=budget(
                max_examples=EXAMPLES,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
    finally:
        house.close()
