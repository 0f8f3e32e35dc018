"""Decides what the law wants of a gathering and by when, and what organisers are reminded of.

Works on any jurisdiction's data. Hours are absolute: they are counted in UTC, so that a change of
the clocks in between moves no deadline. No I/O, no clock of its own.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from schemas.events import Kind
from schemas.notices import (
    Anchor,
    Deadline,
    Exemption,
    Jurisdiction,
    NoticeRecord,
    NoticeState,
    Office,
    RecordedState,
    Rule,
    Step,
)

STANDING = frozenset[RecordedState]({"filed", "corrected"})
"""The police have a notice, and nothing speaks against it."""

_LAST_MINUTE = time(23, 59)
_WEEK = timedelta(weeks=1)


class Gathering(msgspec.Struct, frozen=True):
    """What the law looks at. The zone is where days begin and end.

    The start is kept in UTC: Python calls no instant of a repeated hour equal to itself in another
    zone (PEP 495).
    """

    kind: Kind
    starts_at: datetime
    zone: ZoneInfo
    called_off: bool = False

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "starts_at", self.starts_at.astimezone(UTC))


class Kept(msgspec.Struct, frozen=True):
    """What was noted of a gathering's notice; version 0 is nothing yet."""

    record: NoticeRecord = NoticeRecord(state="unfiled")
    filed_for: datetime | None = None
    version: int = 0


class Reminder(msgspec.Struct, frozen=True):
    """A step that organisers are to be reminded of now."""

    step: Step
    deadline: datetime
    hours_before: int


class Due(msgspec.Struct, frozen=True):
    """A step that can be taken in a week, and whether it must be."""

    deadline: Deadline
    must: bool


def moment(rule: Rule, anchor: datetime, zone: ZoneInfo) -> datetime:
    """The instant that a rule sets, counted from `anchor`.

    Hours before a start end with the instant itself, which is still in time. Of days, the anchor's
    own does not count and the last one does until its end (Civil Act 157, 159); the rest day after
    which it would end a day later (161) is not relied on.
    """
    if rule.days is None:
        return anchor.astimezone(UTC) + timedelta(hours=rule.hours or 0)
    last = anchor.astimezone(zone).date() + timedelta(days=rule.days)
    return datetime.combine(last, _LAST_MINUTE, zone).astimezone(UTC)


def deadlines(
    pack: Jurisdiction, gathering: Gathering, kept: Kept, now: datetime
) -> list[Deadline]:
    """Every step that has a time by now, in the pack's order. All instants are in UTC."""
    told: list[Deadline] = []
    for rule in pack.rules:
        anchor = _anchor(rule.anchor, gathering, kept)
        if anchor is None:
            continue
        at = moment(rule, anchor, gathering.zone)
        happened = _happened(rule.step, gathering, kept)
        told.append(
            Deadline(
                step=rule.step,
                article=rule.article,
                by=rule.by,
                at=at,
                happened_at=happened,
                in_time=None if happened is None else happened <= at,
                pending=happened is None and _pending(rule.step, pack, gathering, kept, now),
            )
        )
    return told


def _anchor(anchor: Anchor, gathering: Gathering, kept: Kept) -> datetime | None:
    """The instant that a rule counts from; None as long as there is none."""
    record = kept.record
    match anchor:
        case "start":
            return gathering.starts_at
        case "filed-start":
            return kept.filed_for
        case "filed":
            return record.filed_at
        case "correction-demanded":
            return record.correction_demanded_at
        case "banned":
            return record.banned_at if record.measure == "ban" else None
        case "objected":
            return record.objected_at


def _happened(step: Step, gathering: Gathering, kept: Kept) -> datetime | None:
    """When a step was taken. A notice for another start is none for this one."""
    record = kept.record
    return {
        "file-from": None,
        "file-by": record.filed_at if kept.filed_for == gathering.starts_at else None,
        "receipt": record.filed_at,
        "correction-demand": record.correction_demanded_at,
        "correction": record.corrected_at,
        "ban": record.banned_at,
        "objection": record.objected_at,
        "ruling": record.ruled_at,
        "withdrawal": record.withdrawn_at,
        "holding-report": record.holding_reported_at,
    }[step]


def _pending(
    step: Step, pack: Jurisdiction, gathering: Gathering, kept: Kept, now: datetime
) -> bool:
    """Whether organisers have to take a step that they have not taken."""
    record = kept.record
    standing = record.state in STANDING
    moved = standing and kept.filed_for != gathering.starts_at
    if step == "withdrawal":
        ahead = kept.filed_for is not None and now < kept.filed_for
        return ahead and standing and (gathering.called_off or moved)
    if gathering.called_off or now >= gathering.starts_at:
        return False
    unfiled = record.state == "unfiled" and exemption_of(pack, gathering.kind) is None
    demanded = record.correction_demanded_at is not None
    return {
        "file-by": unfiled or moved,
        "correction": record.state == "filed" and demanded,
        "objection": record.state == "banned",
        "holding-report": standing and not moved and record.rival_banned,
    }.get(step, False)


def exemption_of(pack: Jurisdiction, kind: Kind) -> Exemption | None:
    """Why gatherings of a kind are taken to need no notice; None when they need one."""
    return next((each.exemption for each in pack.exemptions if each.kind == kind), None)


def covers(gathering: Gathering, kept: Kept) -> bool:
    """Whether a notice stands and names the start that the gathering has now.

    Time and place cannot be changed in a notice (Decree 2-2①): a gathering that moved is filed
    anew.
    """
    return kept.record.state in STANDING and kept.filed_for == gathering.starts_at


def state_of(
    pack: Jurisdiction, gathering: Gathering, kept: Kept, now: datetime
) -> tuple[NoticeState, Exemption | None]:
    """Where a notice stands, and the exemption when it is `exempt`."""
    if kept.record.state != "unfiled":
        return kept.record.state, kept.record.exemption
    if gathering.called_off or not pack.rules:
        return "not-due", None
    exemption = exemption_of(pack, gathering.kind)
    if exemption is not None:
        return "exempt", exemption
    opens, closes = window(pack, gathering)
    if now < opens:
        return "not-due", None
    return ("open" if now <= closes else "closed"), None


def window(pack: Jurisdiction, gathering: Gathering) -> tuple[datetime, datetime]:
    """The first and the last instant at which a notice is in time; both belong to it.

    Raises:
        LookupError: the pack knows no such window.
    """
    when = {rule.step: moment(rule, gathering.starts_at, gathering.zone) for rule in pack.rules}
    return when["file-from"], when["file-by"]


def ban_lapsed(pack: Jurisdiction, gathering: Gathering, kept: Kept, now: datetime) -> bool:
    """Whether an objection waited for its ruling too long (Korea: 9②)."""
    objected = kept.record.objected_at
    return (
        kept.record.state == "objected"
        and objected is not None
        and any(
            moment(rule, objected, gathering.zone) < now
            for rule in pack.rules
            if rule.step == "ruling"
        )
    )


def office_of(pack: Jurisdiction, stations: int) -> Office | None:
    """Who takes a notice that concerns so many police stations."""
    fitting = [each for each in pack.offices if each.stations <= stations]
    return max(fitting, key=lambda each: each.stations).office if fitting else None


def reminders(
    pack: Jurisdiction, gathering: Gathering, kept: Kept, now: datetime
) -> list[Reminder]:
    """What organisers are to be reminded of: each pending step once per lead, the nearest only.

    One that could not be written in time is made up for until the deadline, unless the next lead
    has come by then.
    """
    hours = {rule.step: rule.remind_hours for rule in pack.rules}
    return [
        Reminder(each.step, each.at, min(reached))
        for each in deadlines(pack, gathering, kept, now)
        if each.pending and now <= each.at
        if (reached := [lead for lead in hours[each.step] if each.at - now <= _hours(lead)])
    ]


def _hours(number: int) -> timedelta:
    return timedelta(hours=number)


def week_of(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the week that it is in a zone."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday())


def monday_of(week: str) -> date | None:
    """The Monday of a week such as `2024-W36` (ISO 8601); None when the year has no such week."""
    year, _, number = week.partition("-W")
    try:
        return date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        return None


def week_name(monday: date) -> str:
    """The name of the week that begins on a Monday."""
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02}"


def bounds(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a week in a zone, and the first of the next."""
    begins, ends = (datetime.combine(day, time(), zone) for day in (monday, monday + _WEEK))
    return begins.astimezone(UTC), ends.astimezone(UTC)


def due_by(told: list[Deadline], ends: datetime) -> list[Due]:
    """What organisers can do before a week ends, of the deadlines of one gathering."""
    opens = {each.step: each.at for each in told}.get("file-from")
    return [
        Due(each, must=each.at < ends)
        for each in told
        if each.pending and (each.step != "file-by" or opens is None or opens < ends)
    ]
