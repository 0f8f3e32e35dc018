"""Writes time zones as calendars need them (RFC 5545 section 3.6.5). Never says what offset holds
before the year it begins with.

Every observance has a yearly rule or happens once: readers disagree on lists of dates, and one that
knows nothing of the zone's name still finds each instant.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

from schemas.events import LAST_YEAR

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_STEP = timedelta(days=7)
"""No zone changes its offset and back within it."""


class Observance(NamedTuple):
    """What the clocks on the wall show from an instant on."""

    offset: timedelta
    name: str
    summer: bool


class Transition(NamedTuple):
    """The clocks are set. `wall` is what they show just before it (RFC 5545 section 3.6.5)."""

    wall: datetime
    before: timedelta
    after: Observance

    @property
    def shift(self) -> timedelta:
        """How far the clocks are set forward, or below zero back."""
        return self.after.offset - self.before

    @property
    def days(self) -> frozenset[str]:
        """The names of this day within its month: the second Sunday, the last Sunday."""
        day, weekday = self.wall.day, _WEEKDAYS[self.wall.weekday()]
        last = (self.wall + timedelta(days=7)).month != self.wall.month
        return frozenset({f"{(day - 1) // 7 + 1}{weekday}", *([f"-1{weekday}"] if last else [])})


def time_zone(name: str, first_year: int) -> Timezone:
    """The VTIMEZONE of an IANA zone, right for every instant from a year on."""
    zone = Timezone()
    zone.add("TZID", name)
    for part in _parts(name, first_year):
        zone.add_component(part)
    return zone


@cache
def doubtful_hours(name: str, first_year: int) -> tuple[tuple[datetime, datetime], ...]:
    """The spans, on the wall, that the clocks of a zone skip or repeat (the end is not in them)."""
    return tuple(
        (min(each.wall, each.wall + each.shift), max(each.wall, each.wall + each.shift))
        for each in _transitions(ZoneInfo(name), datetime(first_year, 1, 1, tzinfo=UTC))
        if each.shift
    )


@cache
def _parts(name: str, first_year: int) -> tuple[TimezoneStandard | TimezoneDaylight, ...]:
    zone = ZoneInfo(name)
    start = datetime(first_year, 1, 1, tzinfo=UTC)
    at_first = _observance(start, zone)
    began = Transition((start + at_first.offset).replace(tzinfo=None), at_first.offset, at_first)
    alike: dict[tuple[timedelta, Observance], list[Transition]] = {}
    for each in _transitions(zone, start):
        alike.setdefault((each.before, each.after), []).append(each)
    runs = [run for transitions in alike.values() for run in _yearly(transitions)]
    runs.sort(key=lambda run: run[0].wall)
    return (_part([began]), *map(_part, runs))


def _transitions(zone: ZoneInfo, start: datetime) -> Iterator[Transition]:
    end = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
    while start < end:
        later = start + _STEP
        before, after = _observance(start, zone), _observance(later, zone)
        if before != after:
            low, high = 0, int(_STEP.total_seconds())
            while high - low > 1:
                middle = (low + high) // 2
                if _observance(start + timedelta(seconds=middle), zone) == before:
                    low = middle
                else:
                    high = middle
            wall = (start + timedelta(seconds=high) + before.offset).replace(tzinfo=None)
            yield Transition(wall, before.offset, after)
        start = later


def _observance(at: datetime, zone: ZoneInfo) -> Observance:
    local = at.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    return Observance(offset, local.tzname() or "", bool(local.dst()))


def _yearly(transitions: Sequence[Transition]) -> Iterator[list[Transition]]:
    """Split transitions into runs that one yearly rule makes."""
    run: list[Transition] = []
    for each in transitions:
        if run and not (_follows(run[-1], each) and _common_days([*run, each])):
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _follows(one: Transition, other: Transition) -> bool:
    return (one.wall.year + 1, one.wall.month, one.wall.time()) == (
        other.wall.year,
        other.wall.month,
        other.wall.time(),
    )


def _common_days(run: Sequence[Transition]) -> frozenset[str]:
    return frozenset.intersection(*(each.days for each in run))


def _part(run: Sequence[Transition]) -> TimezoneStandard | TimezoneDaylight:
    """One observance. A rule that goes on for ever has no end; others are counted, because readers
    disagree on whether UNTIL is an instant here.
    """
    first = run[0]
    part = TimezoneDaylight() if first.after.summer else TimezoneStandard()
    part.DTSTART = first.wall
    part.TZOFFSETFROM = first.before
    part.TZOFFSETTO = first.after.offset
    part.add("TZNAME", first.after.name)
    if len(run) > 1:
        rule = f"FREQ=YEARLY;BYMONTH={first.wall.month};BYDAY={min(_common_days(run))}"
        ends = "" if run[-1].wall.year == LAST_YEAR else f";COUNT={len(run)}"
        part.add("RRULE", vRecur.from_ical(rule + ends))
    return part
