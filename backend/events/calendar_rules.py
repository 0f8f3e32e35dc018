"""Decides what a calendar says of a series: its rule, and every gathering that the rule does not
tell. Compares what is written down with what the rule makes. No I/O.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec

from backend.events import rules
from backend.events.calendar_model import CalendarOverride, CalendarSeries
from backend.events.rules import Planned, Schedule
from schemas.events import GatheringText, Series
from schemas.places import Place


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """An occurrence as it is written down; `texts` and `place` are what people see.

    `added` that organisers did, not the rule; `own` that texts or place are not the series'.
    """

    id: UUID
    recurrence_id: date
    starts_at: datetime
    ends_at: datetime
    state: str
    texts: dict[str, GatheringText]
    place: Place
    added: bool
    own: bool
    reason: dict[str, str] | None
    sequence: int
    changed_at: datetime


def calendar_series(
    series: Series,
    place: Place,
    written: Sequence[Written],
    written_before: datetime | None,
    sequence: int,
    changed_at: datetime,
) -> CalendarSeries:
    """A series with every gathering that differs from its rule, by date.

    A date of the rule on which nothing is written down was never held when it lies before
    `written_before`: the rule was another then.
    """
    held = rules.schedule_of(series)
    states = {each.recurrence_id: each.state for each in written}
    planned = _planned(held, max([*held.removed, *states], default=None), written_before)
    missing = [
        held.local_start(day)
        for day, made in planned.items()
        if states.get(day) == "removed"
        or day in held.removed
        or (day not in states and written_before is not None and made.starts_at < written_before)
    ]
    rule = _bounded(held)
    if rule is None and not planned and held.local_start(held.starts_local.date()) not in missing:
        missing = [held.starts_local]
    return CalendarSeries(
        id=series.id,
        uid=uid(series.id),
        kind=series.kind,
        texts=series.texts,
        place=place,
        time_zone=series.time_zone,
        starts_local=series.starts_local,
        duration=held.duration,
        rrule=rule,
        exdates=missing,
        overrides=[
            _override(held, each, added=each.recurrence_id not in planned)
            for each in written
            if each.state != "removed" and not _told_by_rule(each, planned.get(each.recurrence_id))
        ],
        sequence=max([sequence, *(each.sequence for each in written)]),
        changed_at=max([changed_at, *(each.changed_at for each in written)]),
    )


def single(series: Series, one: Written) -> CalendarSeries:
    """One gathering as an event of its own, with the uid `<its id>@exit10`."""
    held = rules.schedule_of(series)
    starts_local = one.starts_at.astimezone(held.zone).replace(tzinfo=None)
    override = msgspec.structs.replace(
        _override(held, one, added=False), recurrence_id=starts_local
    )
    return CalendarSeries(
        id=series.id,
        uid=uid(one.id),
        kind=series.kind,
        texts=one.texts,
        place=one.place,
        time_zone=series.time_zone,
        starts_local=starts_local,
        duration=one.ends_at - one.starts_at,
        rrule=None,
        exdates=[],
        overrides=[override] if override.state == "cancelled" else [],
        sequence=one.sequence,
        changed_at=one.changed_at,
    )


def uid(id: UUID) -> str:
    """The name of a series or occurrence in calendars (RFC 5545 section 3.8.4.7)."""
    return f"{id}@exit10"


def _planned(
    held: Schedule, through: date | None, written_before: datetime | None
) -> dict[date, Planned]:
    """What the rule makes up to a date and an instant, removed dates included."""
    through = through or held.starts_local.date()
    whole = msgspec.structs.replace(held, removed=frozenset())
    before = rules.instant(held.local_start(through), held.zone) + timedelta(seconds=1)
    before = max(before, written_before or before)
    return {each.recurrence_id: each for each in rules.expand(whole, before=before, limit=None)}


def _bounded(held: Schedule) -> str | None:
    """The rule, ended where the series ends. None when it is held once, or no more at all."""
    if held.rule is None or held.ends_before is None:
        return None if held.rule is None else str(held.rule)
    end = rules.instant(held.local_start(held.ends_before), held.zone)
    kept = rules.expand(msgspec.structs.replace(held, removed=frozenset()), before=end, limit=None)
    if not kept:
        return None
    until = kept[-1].starts_at.astimezone(UTC)
    return str(msgspec.structs.replace(held.rule, count=None, until=until))


def _told_by_rule(one: Written, planned: Planned | None) -> bool:
    return (
        planned is not None
        and (one.starts_at, one.ends_at) == (planned.starts_at, planned.ends_at)
        and one.state == "scheduled"
        and not one.own
    )


def _override(held: Schedule, one: Written, *, added: bool) -> CalendarOverride:
    return CalendarOverride(
        id=one.id,
        recurrence_id=held.local_start(one.recurrence_id),
        starts_at=one.starts_at.astimezone(held.zone),
        ends_at=one.ends_at.astimezone(held.zone),
        state="cancelled" if one.state == "cancelled" else "scheduled",
        texts=one.texts,
        place=one.place,
        sequence=one.sequence,
        changed_at=one.changed_at,
        reason=one.reason,
        added=added,
    )
