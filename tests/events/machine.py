"""A pure model of a line of series: what should be told after any change, worked out anew."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

ZONE = ZoneInfo("Europe/Berlin")
"""Its clocks change twice a year."""

AHEAD = timedelta(weeks=26)
DAY = timedelta(days=1)


class Segment(msgspec.Struct, eq=False):
    """One series of the line: on some days of the week, from a date on, at an hour."""

    first: date
    weekdays: frozenset[int]
    hour: time
    removed: set[date] = msgspec.field(default_factory=set)
    ends_before: date | None = None
    handed_over: date | None = None
    ended: bool = False
    told_until: datetime | None = None

    def makes(self, day: date) -> bool:
        """Whether its rule is held on a date."""
        return (
            day >= self.first
            and day.weekday() in self.weekdays
            and day not in self.removed
            and (self.ends_before is None or day < self.ends_before)
        )

    def start(self, day: date) -> datetime:
        """When it would begin on a date."""
        return instant(datetime.combine(day, self.hour))


class Gathering(msgspec.Struct, eq=False):
    """One gathering, by the date that names it."""

    segment: Segment
    day: date
    start: datetime
    state: str = "held"
    added: bool = False
    moved: bool = False
    reasoned: bool = False


def instant(local: datetime) -> datetime:
    """The first instant at which the clock on the wall shows a time, or would have."""
    return local.replace(tzinfo=ZONE).astimezone(UTC)


class Line:
    """A line of series, and all that was ever announced of it."""

    def __init__(self, first: Segment, now: datetime) -> None:
        self.now = now
        self.segments = [first]
        self.gatherings: list[Gathering] = []
        self._announce(first, first.first, self._horizon(first))

    def told(self, state: str) -> list[datetime]:
        """Starts of what is held or cancelled."""
        return sorted(each.start for each in self.gatherings if each.state == state)

    def ahead(self) -> list[Gathering]:
        """What has not begun, by date."""
        found = [each for each in self.gatherings if each.start > self.now]
        return sorted(found, key=lambda each: (each.day, self.segments.index(each.segment)))

    def pass_time(self, days: int) -> None:
        """Let days go by; what comes within half a year is announced."""
        self.now += days * DAY
        self.catch_up()

    def catch_up(self) -> None:
        """Announce what came within half a year, behind what was announced before."""
        for segment in self.segments:
            until = segment.told_until
            if not segment.ended and until is not None and until < self._horizon(segment):
                self._announce(segment, until.date() - DAY, self._horizon(segment), behind=until)

    def move(self, one: Gathering, local: datetime) -> None:
        """Hold one at another time; `local` is by the clock on the wall."""
        one.start = instant(local)
        one.moved = one.start != one.segment.start(one.day)

    def cancel(self, one: Gathering) -> None:
        """Call one off, and say why."""
        one.state, one.reasoned = "cancelled", True

    def reinstate(self, one: Gathering) -> None:
        """Hold one after all."""
        made = one.segment.makes(one.day)
        if made and not one.moved:
            one.start = one.segment.start(one.day)
        one.state, one.reasoned, one.added = "held", False, not made

    def remove(self, one: Gathering) -> None:
        """Strike one from the list."""
        if one.segment.makes(one.day):
            one.segment.removed.add(one.day)
        one.state, one.reasoned = "removed", False

    def add(self, segment: Segment, day: date) -> None:
        """Hold one on a date that the rule does not make, at the hour of the series."""
        segment.removed.discard(day)
        for each in self.gatherings:
            if each.segment is segment and each.day == day:
                each.state, each.reasoned, each.added = "held", False, not segment.makes(day)
                if each.moved:
                    each.start, each.moved = segment.start(day), False
                return
        made = segment.makes(day)
        self.gatherings.append(Gathering(segment, day, segment.start(day), added=not made))

    def change(self, segment: Segment, weekdays: frozenset[int], hour: time, first: date) -> None:
        """Give a series another rule, from now on."""
        segment.weekdays, segment.hour, segment.first = weekdays, hour, first
        if segment.ended:
            segment.ended, segment.ends_before = False, segment.handed_over
        self._bring_in_line(segment)

    def end(self, segment: Segment) -> None:
        """Hold nothing of a series any more."""
        today = self.now.astimezone(ZONE).date()
        begun = segment.makes(today) and segment.start(today) < self.now
        bound = today + DAY if begun else today
        segment.ends_before = min(bound, segment.ends_before or bound)
        segment.ended = True
        self._bring_in_line(segment)

    def split(self, one: Gathering, new: Segment) -> None:
        """Let a new series take over from a gathering's date on."""
        old = one.segment
        new.ends_before, new.handed_over = old.ends_before, old.handed_over
        new.removed = {day for day in old.removed if day >= one.day}
        old.removed -= new.removed
        old.ends_before = old.handed_over = one.day
        self.segments.append(new)
        for each in self.gatherings:
            if each.segment is old and each.day >= one.day:
                each.segment = new
        one.moved, new.told_until = False, old.told_until
        self._bring_in_line(new)

    def _bring_in_line(self, segment: Segment) -> None:
        told = segment.told_until or self.now
        until = self.now if segment.ended else max(self._horizon(segment), told)
        today = self.now.astimezone(ZONE).date()
        for each in self.gatherings:
            if each.segment is segment and each.start > self.now:
                if segment.makes(each.day) and today <= each.day:
                    self._hold_by_rule(each, until)
                elif each.state == "held" and (segment.ended or not each.added):
                    each.state = "cancelled"
        self._announce(segment, today, until, behind=self.now + timedelta(seconds=1))

    def _hold_by_rule(self, one: Gathering, until: datetime) -> None:
        start = one.segment.start(one.day)
        if self.now < start < until and not one.reasoned:
            one.state, one.added = "held", False
            if not one.moved:
                one.start = start
        elif start >= until and one.state == "held" and not one.added:
            one.state = "cancelled"

    def _announce(
        self, segment: Segment, since: date, until: datetime, behind: datetime | None = None
    ) -> None:
        there = {each.day for each in self.gatherings if each.segment is segment}
        day = since
        while segment.start(day) < until:
            late = behind is not None and segment.start(day) < behind
            if segment.makes(day) and day not in there and not late:
                self.gatherings.append(Gathering(segment, day, segment.start(day)))
            day += DAY
        segment.told_until = max(until, segment.told_until or until)

    def _horizon(self, segment: Segment) -> datetime:
        half_a_year = max(self.now, segment.start(segment.first)) + AHEAD
        return instant(datetime.combine(half_a_year.astimezone(ZONE).date() + DAY, time()))
