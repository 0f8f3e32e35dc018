"""Decides when a series is held: reads recurrence rules (RFC 5545), expands them on the wall clock,
and tells which reminders are due. No I/O, no clock of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import islice
from typing import Any, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday

from backend.core.errors import Unacceptable
from schemas.events import (
    GatheringRemarks,
    GatheringText,
    GatheringTextChange,
    OccurrenceState,
    Series,
    SeriesPlan,
    korean_first,
)

HORIZON = timedelta(weeks=26)
"""How far ahead occurrences are written down."""

MAX_OCCURRENCES = 2000
"""More than this at once is a typing error: 38 years of Fridays, five years of days."""

MAX_COUNT = 520
MAX_INTERVAL = 99
REMINDER_GRACE = timedelta(hours=1)
"""A reminder that could not go out in time goes out this much later, or not at all."""

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY"]
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_FREQUENCIES: dict[Frequency, Literal[1, 2, 3]] = {
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
}
_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_MONTH_DAY = re.compile(r"[+-]?([1-9]|[12][0-9]|3[01])")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_UNTIL = re.compile(r"[0-9]{8}T[0-9]{6}Z")


class Day(msgspec.Struct, frozen=True):
    """A day of the week (0 is Monday); with `place`, the nth or, below 0, nth last of the month."""

    weekday: int
    place: int = 0

    def __str__(self) -> str:
        return f"{self.place or ''}{WEEKDAYS[self.weekday]}"


class Rule(msgspec.Struct, frozen=True):
    """A recurrence rule of the parts that we keep. `str` gives its one canonical spelling."""

    frequency: Frequency
    interval: int = 1
    days: tuple[Day, ...] = ()
    month_days: tuple[int, ...] = ()
    count: int | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.days:
            parts.append("BYDAY=" + ",".join(map(str, self.days)))
        if self.month_days:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.month_days)))
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if self.until is not None:
            parts.append(f"UNTIL={self.until:%Y%m%dT%H%M%SZ}")
        return ";".join(parts)


class Schedule(msgspec.Struct, frozen=True):
    """When a series is held: its first start on the wall clock, the zone of the wall, the rule.

    Nothing is held on `removed` dates, nor from the date `ends_before` on.
    """

    series: UUID
    starts_local: datetime
    zone: ZoneInfo
    duration: timedelta
    rule: Rule | None
    removed: frozenset[date] = frozenset()
    ends_before: date | None = None

    def local_start(self, day: date) -> datetime:
        """When the rule would start on a date, by the clock on the wall."""
        return datetime.combine(day, self.starts_local.time())

    @property
    def first_start(self) -> datetime:
        """The instant of the first start."""
        return instant(self.starts_local, self.zone)


class Planned(msgspec.Struct, frozen=True):
    """An occurrence as its series makes it. The recurrence id is its date by the rule."""

    id: UUID
    recurrence_id: date
    starts_at: datetime
    ends_at: datetime


def schedule(
    series: UUID,
    plan: SeriesPlan,
    removed: Iterable[date] = (),
    ends_before: date | None = None,
) -> Schedule:
    """Check and read when a series is held.

    Raises:
        Unacceptable: `unknown-time-zone`; `rule-refused`, see `parse_rule`; `start-outside-rule`,
            the rule does not make the first start. RFC 5545 section 3.8.5.3 leaves undefined what
            follows then, and calendars disagree.
    """
    zone = zone_named(plan.time_zone)
    if zone is None:
        raise Unacceptable("unknown-time-zone", "The IANA database has no such time zone.")
    rule = None if plan.rrule is None else parse_rule(plan.rrule)
    duration = timedelta(minutes=plan.duration_minutes)
    held = Schedule(
        series, plan.starts_local, zone, duration, rule, frozenset(removed), ends_before
    )
    made = rule is None or _makes(rule, held.starts_local.date(), held.first_start)
    if not made:
        raise Unacceptable("start-outside-rule", "The first start must be one that the rule makes.")
    return held


def schedule_of(series: Series) -> Schedule:
    """When a series is held that was checked before."""
    return schedule(series.id, series, series.removed_dates, series.ends_before)


def with_plan(series: Series, plan: SeriesPlan) -> Series:
    """A series as it would be with another plan."""
    fields = {name: getattr(plan, name) for name in SeriesPlan.__struct_fields__}
    return msgspec.structs.replace(series, **fields)


def parse_rule(text: str) -> Rule:
    """Read the value of an RRULE property (RFC 5545 section 3.3.10).

    Raises:
        Unacceptable: `rule-refused`, it is malformed or holds a part or value that we do not keep.
    """
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        name, equals, value = part.partition("=")
        if name not in _PARTS or not equals:
            raise _refused(f"A rule is made of {', '.join(_PARTS)}; nothing else.")
        if name in parts:
            raise _refused("A part of a rule stands there once.")
        parts[name] = value
    frequency = _frequency(parts.get("FREQ"))
    rule = Rule(
        frequency=frequency,
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), MAX_INTERVAL),
        days=_days(parts.get("BYDAY"), frequency),
        month_days=_month_days(parts.get("BYMONTHDAY"), frequency),
        count=_number("COUNT", parts["COUNT"], MAX_COUNT) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )
    if rule.count is not None and rule.until is not None:
        raise _refused("A rule has COUNT or UNTIL, not both.")
    return rule


def _refused(sentence: str) -> Unacceptable:
    return Unacceptable("rule-refused", sentence)


_PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL")


def _frequency(text: str | None) -> Frequency:
    if text == "DAILY" or text == "WEEKLY" or text == "MONTHLY":  # noqa: PLR1714 - narrows the type
        return text
    raise _refused("FREQ is DAILY, WEEKLY or MONTHLY.")


def _number(name: str, text: str, most: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise _refused(f"{name} is a number from 1 to {most}.")
    return int(text)


def _days(text: str | None, frequency: Frequency) -> tuple[Day, ...]:
    if text is None:
        return ()
    matches = [_DAY.fullmatch(each) for each in text.split(",")]
    days = [Day(WEEKDAYS.index(each[2]), int(each[1] or 0)) for each in matches if each]
    if len(days) < len(matches) or len(set(days)) < len(days):
        raise _refused("BYDAY lists days, MO to SU, each once.")
    if frequency != "MONTHLY" and any(day.place for day in days):
        raise _refused("BYDAY counts days (2FR, -1SA) only with FREQ=MONTHLY.")
    if len({day.place == 0 for day in days}) > 1:
        raise _refused("BYDAY counts all its days or none: calendars disagree on FR,1SA.")
    return tuple(sorted(days, key=lambda day: (day.weekday, day.place)))


def _month_days(text: str | None, frequency: Frequency) -> tuple[int, ...]:
    if text is None:
        return ()
    numbers = text.split(",")
    if frequency == "WEEKLY" or not all(map(_MONTH_DAY.fullmatch, numbers)):
        raise _refused("BYMONTHDAY lists days from 1 to 31 or -31 to -1, not with FREQ=WEEKLY.")
    days = sorted(map(int, numbers))
    if len(set(days)) < len(days):
        raise _refused("BYMONTHDAY lists each day once.")
    return tuple(days)


def _until(text: str) -> datetime:
    sentence = "UNTIL is an instant in UTC, such as 20261231T150000Z."
    if not _UNTIL.fullmatch(text):
        raise _refused(sentence)
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refused(sentence) from None


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone with this name, or None. Never looks for a file by a name it does not know."""
    return ZoneInfo(name) if name in _zone_names() else None


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant in UTC of a time on the wall (RFC 5545 section 3.3.5).

    An hour that the clocks skip is read with the offset from before the gap, so the gathering is
    held and no Friday is lost; an hour that they repeat is meant the first time.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _makes(rule: Rule, day: date, at: datetime) -> bool:
    """Whether `rule`, started on `day`, makes a start on that very day."""
    length = (_next_month(day) - day.replace(day=1)).days
    from_start, from_end = (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)
    on_weekday = not rule.days or any(
        each.weekday == day.weekday() and each.place in (0, from_start, from_end)
        for each in rule.days
    )
    on_month_day = not rule.month_days or not {day.day, day.day - length - 1}.isdisjoint(
        rule.month_days
    )
    return on_weekday and on_month_day and (rule.until is None or at <= rule.until)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def expand(
    held: Schedule,
    *,
    before: datetime,
    since: date | None = None,
    limit: int | None = MAX_OCCURRENCES,
) -> list[Planned]:
    """The occurrences of a series in order, at most `limit`; all of them when None.

    A rule has no smaller step than a day, so that a date names an occurrence for good, whatever
    becomes of its hour. Months without a 29th, 30th or 31st are passed over (RFC 5545 section
    3.3.10).

    Args:
        before: the instant that all starts lie before.
        since: the first date by the wall clock; from the beginning when None.
    """
    return list(islice(_planned(held, before, since), limit))


def check_number(planned: Sequence[Planned]) -> None:
    """Refuse a rule that would fill the database.

    Raises:
        Unacceptable: `too-many-occurrences`.
    """
    if len(planned) > MAX_OCCURRENCES:
        sentence = f"A series makes at most {MAX_OCCURRENCES} occurrences at once."
        raise Unacceptable("too-many-occurrences", sentence)


def _planned(held: Schedule, before: datetime, since: date | None) -> Iterator[Planned]:
    until = None if held.rule is None else held.rule.until
    for local in _walk(held.starts_local, held.rule):
        at, day = instant(local, held.zone), local.date()
        if at >= before or (until is not None and at > until):
            return
        if held.ends_before is not None and day >= held.ends_before:
            return
        if day not in held.removed and (since is None or day >= since):
            yield Planned(occurrence_id(held.series, day), day, at, at + held.duration)


def _walk(starts_local: datetime, rule: Rule | None) -> Iterable[datetime]:
    if rule is None:
        return (starts_local,)
    return rrule(
        _FREQUENCIES[rule.frequency],
        dtstart=starts_local,
        interval=rule.interval,
        wkst=weekday(0),
        count=rule.count,
        byweekday=[weekday(day.weekday, day.place or None) for day in rule.days] or None,
        bymonthday=rule.month_days or None,
    )


def ended_on(held: Schedule, now: datetime) -> date:
    """The date from which on nothing is held, when a series is ended now. What has begun stays."""
    today = now.astimezone(held.zone).date()
    if expand(held, since=today, before=now):
        today += timedelta(days=1)
    return today if held.ends_before is None else min(today, held.ends_before)


def occurrence_id(series: UUID, recurrence_id: date) -> UUID:
    """The id of a series' occurrence, the same in every process (RFC 9562 section 5.5)."""
    return uuid5(series, recurrence_id.isoformat())


def told_state(
    state: Literal["scheduled", "cancelled", "removed"], ends_at: datetime, now: datetime
) -> OccurrenceState:
    """What people are told of a gathering. One whose date was removed is not held."""
    if state != "scheduled":
        return "cancelled"
    return "past" if ends_at <= now else "scheduled"


def horizon(held: Schedule, now: datetime) -> datetime:
    """The instant up to which occurrences are written down; the first one always is.

    A midnight of the series' zone, so that a change of the hour leaves no date half decided.
    """
    return midnight_from(max(now, held.first_start) + HORIZON, held.zone)


def midnight_from(at: datetime, zone: tzinfo) -> datetime:
    """The first midnight of a zone that is not before an instant."""
    local = at.astimezone(zone).replace(tzinfo=None)
    day = local.date() if local.time() == time() else local.date() + timedelta(days=1)
    return instant(datetime.combine(day, time()), zone)


def reminders_due(starts_at: datetime, reminder_minutes: Iterable[int], now: datetime) -> list[int]:
    """The reminders, in minutes before the start, whose instant lies within the last hour.

    None once the gathering has begun.
    """
    if now >= starts_at:
        return []
    return [
        minutes
        for minutes in reminder_minutes
        if timedelta() <= now - (starts_at - timedelta(minutes=minutes)) < REMINDER_GRACE
    ]


def merged(
    texts: Mapping[str, GatheringText], own: Mapping[str, GatheringTextChange] | None
) -> dict[str, GatheringText]:
    """What people see of one gathering: the series' texts, with what is different in their place.

    A language that only the gathering has is told when it can stand alone.
    """
    told = dict(texts)
    for language, change in (own or {}).items():
        fields: dict[str, Any] = {"summary": ""}
        if language in texts:
            fields = msgspec.structs.asdict(texts[language])
        for name, value in msgspec.structs.asdict(change).items():
            if value is not None:
                fields[name] = value or (value if name == "summary" else None)
        if fields.get("title") and fields.get("meeting_point"):
            told[language] = GatheringText(**fields)
    return korean_first(told)


def complete(texts: Mapping[str, GatheringText], own: Mapping[str, GatheringTextChange]) -> bool:
    """Whether each language that only a gathering has can stand alone."""
    return all(
        language in texts or (change.title and change.meeting_point)
        for language, change in own.items()
    )


def with_borrowed(
    texts: Mapping[str, GatheringText], language: str
) -> tuple[GatheringRemarks, dict[str, str]]:
    """The remarks in a language; what it does not say is told in another that does, Korean first.

    Gives the remarks, and the language of each that is borrowed, by its name on the wire.
    """
    told: dict[str, object] = {}
    borrowed: dict[str, str] = {}
    for field in msgspec.structs.fields(GatheringRemarks):
        for candidate in (language, *(other for other in korean_first(texts) if other != language)):
            value: object = getattr(texts[candidate], field.name)
            if value is not None:
                told[field.name] = value
                if candidate != language:
                    borrowed[field.encode_name] = candidate
                break
    return msgspec.structs.replace(GatheringRemarks(), **told), borrowed
