"""Carries changes out, within the transaction of whoever may make them. Asks nobody's leave.

Each function gives False when there is nothing to change: the same request came again.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from backend.core.errors import Conflict, NotFound, Unacceptable
from backend.core.sql import Executor
from backend.events import repository, rules, writing
from backend.events.repository import Line, SeriesRow, WrittenRow
from backend.events.rules import Schedule
from backend.places.service import PlaceService
from schemas.changes import OccurrencePlan
from schemas.events import Series, SeriesPlan

MAX_REMOVED_DATES = 520


class Site(NamedTuple):
    """Where and when a change is carried out: a series that is held until the transaction ends."""

    on: Executor
    row: SeriesRow
    places: PlaceService
    now: datetime

    @property
    def series(self) -> Series:
        return self.row.series()

    @property
    def held(self) -> Schedule:
        return rules.schedule_of(self.series)

    @property
    def written_before(self) -> datetime:
        """Up to when its occurrences are written down; a draft's are not."""
        return self.row.written_before or self.now

    @property
    def sequence(self) -> int:
        """Of what this change writes."""
        return self.row.sequence + 1


def checked(series: UUID, plan: SeriesPlan, places: PlaceService) -> SeriesPlan:
    """A plan that can be held, with its rule in the one canonical spelling.

    Raises:
        Unacceptable: `unknown-place`, or see `rules.schedule`.
    """
    _check_place(plan.place, places)
    held = rules.schedule(series, plan)
    return plan if held.rule is None else msgspec.structs.replace(plan, rrule=str(held.rule))


async def change_series(site: Site, plan: SeriesPlan) -> bool:
    """All: give a series another plan, from its next gathering on."""
    before = site.series
    if before == rules.with_plan(before, plan):
        return False
    if plan.state == "draft" and before.state != "draft":
        raise Conflict("published", "People know this series; it cannot become a draft again.")
    since = site.row.continues_from
    if since is not None and plan.starts_local.date() < since:
        raise Unacceptable("starts-too-early", "Another series is held before this one begins.")
    bound = before.ends_before
    if plan.state == "ended" != before.state:
        bound = rules.ended_on(site.held, site.now)
    elif before.state == "ended" != plan.state:
        bound = await repository.handed_over_on(site.on, before.id)
    held = rules.schedule(before.id, plan, before.removed_dates, bound)
    await repository.change_series(site.on, before.id, plan, site.now, before.removed_dates, bound)
    if before.state == "draft":
        await writing.write_first(site.on, held, plan.state, site.now)
    else:
        await writing.write_anew(
            site.on, held, plan.state, site.written_before, site.sequence, site.now
        )
    return True


async def change_occurrence(site: Site, row: WrittenRow, plan: OccurrencePlan) -> bool:
    """This one: give a gathering a time, place or texts of its own, or none of its own again."""
    after = _planned(site, row, plan)
    if after == row:
        return False
    if row.state == "cancelled":
        raise Conflict(
            "cancelled", "This gathering is cancelled; it has to be held after all first."
        )
    if row.state == "removed":
        raise Conflict("removed", "This date was removed; it has to be added again first.")
    if row.ends_at <= site.now:
        raise Conflict("over", "This gathering is over.")
    if (after.starts_at, after.ends_at) != (row.starts_at, row.ends_at):
        _check_ahead(site, row)
        _check_start(site, after)
    await _write(site, after)
    return True


async def cancel(site: Site, row: WrittenRow, reason: dict[str, str]) -> bool:
    """Call one gathering off, and say why."""
    if (row.state, row.reason) == ("cancelled", reason):
        return False
    if row.state == "removed":
        raise Conflict("removed", "This date was removed; nobody expects it.")
    _check_ahead(site, row)
    await _write(site, msgspec.structs.replace(row, state="cancelled", reason=reason))
    return True


async def reinstate(site: Site, row: WrittenRow) -> bool:
    """Hold a gathering after all. One that the rule does not make counts as added from then on."""
    if row.state == "scheduled":
        return False
    if row.state == "removed":
        raise Conflict("removed", "This date was removed; it has to be added again.")
    _check_running(site)
    _check_ahead(site, row)
    made = _made_by_rule(site.held, row.recurrence_id)
    times = made is not None and not row.moved
    after = msgspec.structs.replace(
        row,
        state="scheduled",
        reason=None,
        added=made is None,
        starts_at=made.starts_at if made and times else row.starts_at,
        ends_at=made.ends_at if made and times else row.ends_at,
    )
    _check_start(site, after)
    await _write(site, after)
    return True


async def add_date(site: Site, day: date, plan: OccurrencePlan) -> bool:
    """Hold a gathering on a date that the rule does not make, or that was removed."""
    row = await repository.find_written_on(site.on, site.row.id, day)
    if row is not None and row.state != "removed":
        return await change_occurrence(site, row, plan)
    _check_running(site)
    if site.row.ends_before is not None and day >= site.row.ends_before:
        raise Conflict("handed-over", "Another series continues this one from an earlier date on.")
    restored = [each for each in site.row.removed_dates if each != day]
    held = msgspec.structs.replace(site.held, removed=frozenset(restored))
    made = _made_by_rule(held, day)
    far = made is not None and made.starts_at >= site.written_before
    if row is None and far:
        return await _restore_far_date(site, plan, restored)
    local = held.local_start(day)
    starts_at = rules.instant(local, held.zone)
    blank = row or WrittenRow(
        id=rules.occurrence_id(site.row.id, day),
        series=site.row.id,
        recurrence_id=day,
        starts_at=starts_at,
        ends_at=starts_at + held.duration,
        state="scheduled",
        added=True,
        moved=False,
        texts=None,
        place=None,
        reason=None,
        sequence=site.sequence,
        changed_at=site.now,
    )
    after = msgspec.structs.replace(
        _planned(site, blank, plan), state="scheduled", reason=None, added=made is None
    )
    _check_ahead(site, after)
    await repository.change_dates(site.on, site.row.id, restored, site.row.ends_before, site.now)
    after = msgspec.structs.replace(after, sequence=site.sequence, changed_at=site.now)
    await (repository.insert_occurrence if row is None else repository.change_occurrence)(
        site.on, after
    )
    return True


async def _restore_far_date(site: Site, plan: OccurrencePlan, restored: list[date]) -> bool:
    """A date of the rule that is not written down yet needs no row, and can have nothing own."""
    if plan != OccurrencePlan():
        raise Unacceptable("too-far", "That far ahead, a date can only be as its series.")
    if restored == site.row.removed_dates:
        return False
    await repository.change_dates(site.on, site.row.id, restored, site.row.ends_before, site.now)
    return True


async def remove_date(site: Site, day: date) -> bool:
    """Hold nothing on a date, and say nothing of it either."""
    row = await repository.find_written_on(site.on, site.row.id, day)
    if (row is not None and row.state == "removed") or (
        row is None and day in site.row.removed_dates
    ):
        return False
    made = _made_by_rule(site.held, day)
    if row is None and made is None:
        raise NotFound("no-such-date", "This series is not held on that date.")
    if row is not None:
        _check_ahead(site, row)
    elif made is not None and made.starts_at <= site.now:
        raise NotFound("no-such-date", "This series was not held on that date.")
    removed = site.row.removed_dates
    if made is not None:
        removed = sorted({*removed, day})
    if len(removed) > MAX_REMOVED_DATES:
        raise Unacceptable("too-many-dates", "Change the rule rather than remove so many dates.")
    await repository.change_dates(site.on, site.row.id, removed, site.row.ends_before, site.now)
    if row is not None:
        gone = msgspec.structs.replace(
            row, state="removed", sequence=site.sequence, changed_at=site.now
        )
        await repository.change_occurrence(site.on, gone)
    return True


async def split(site: Site, row: WrittenRow, new: UUID, plan: SeriesPlan) -> bool:
    """This and following: another series takes over from this gathering's date on.

    Gatherings keep their ids; what has a time, place or texts of its own keeps them, but for the
    first, whose time is the new series'.
    """
    day = row.recurrence_id
    _check_running(site)
    _check_ahead(site, row)
    if row.state == "removed":
        raise Conflict("removed", "This date was removed; it has to be added again first.")
    if plan.state != "published":
        raise Unacceptable("not-published", "What follows a published series is published.")
    if plan.starts_local.date() < day:
        raise Unacceptable("starts-too-early", "What follows starts on this date or after it.")
    whole = msgspec.structs.replace(site.held, removed=frozenset(), ends_before=day)
    before = rules.instant(whole.local_start(day), whole.zone)
    if not rules.expand(whole, before=before, limit=1):
        raise Unacceptable("nothing-before", "This is the first; change the whole series instead.")
    later = [each for each in site.row.removed_dates if each >= day]
    earlier = [each for each in site.row.removed_dates if each < day]
    bound = site.row.ends_before
    held = rules.schedule(new, plan, later, bound)
    line = Line(
        root=site.row.root, continues=site.row.id, continues_from=day, sequence=site.sequence
    )
    if not await repository.insert_series(site.on, new, plan, site.now, line):
        raise Conflict("series-taken", "Another series has this id.")
    await repository.change_dates(site.on, site.row.id, earlier, day, site.now)
    await repository.change_dates(site.on, new, later, bound, site.now)
    await repository.hand_over(site.on, site.row.id, day, new, site.sequence, site.now)
    if row.moved:
        first = msgspec.structs.replace(
            row, moved=False, sequence=site.sequence, changed_at=site.now
        )
        await repository.change_occurrence(site.on, first)
    await writing.write_anew(
        site.on, held, plan.state, site.written_before, site.sequence, site.now
    )
    return True


def _planned(site: Site, row: WrittenRow, plan: OccurrencePlan) -> WrittenRow:
    """The row as a plan would have it."""
    series, held = site.series, site.held
    if plan.place is not None:
        _check_place(plan.place, site.places)
    texts = {
        language: change
        for language, change in (plan.texts or {}).items()
        if msgspec.to_builtins(change)
    }
    if not rules.complete(series.texts, texts):
        sentence = "A language that the series lacks needs title and meetingPoint."
        raise Unacceptable("text-incomplete", sentence)
    own_time = plan.starts_local is not None or plan.duration_minutes is not None
    starts_at, duration, moved = row.starts_at, row.ends_at - row.starts_at, False
    if own_time or row.moved:
        by_rule = rules.instant(held.local_start(row.recurrence_id), held.zone)
        starts_at = rules.instant(plan.starts_local, held.zone) if plan.starts_local else by_rule
        duration = held.duration
        if plan.duration_minutes is not None:
            duration = timedelta(minutes=plan.duration_minutes)
        moved = (starts_at, duration) != (by_rule, held.duration)
    return msgspec.structs.replace(
        row,
        starts_at=starts_at,
        ends_at=starts_at + duration,
        moved=moved,
        texts=msgspec.to_builtins(texts) or None,
        place=None if plan.place == series.place else plan.place,
    )


async def _write(site: Site, row: WrittenRow) -> None:
    changed = msgspec.structs.replace(row, sequence=site.sequence, changed_at=site.now)
    await repository.change_occurrence(site.on, changed)
    await repository.count_change(site.on, site.row.id, site.now)


def _made_by_rule(held: Schedule, day: date) -> rules.Planned | None:
    at = rules.instant(held.local_start(day), held.zone)
    made = rules.expand(held, since=day, before=at + timedelta(seconds=1), limit=1)
    return made[0] if made else None


def _check_place(place: str, places: PlaceService) -> None:
    if places.find(place) is None:
        raise Unacceptable("unknown-place", "The gazetteer has no such place.")


def _check_ahead(site: Site, row: WrittenRow) -> None:
    if row.starts_at <= site.now:
        raise Conflict("begun", "A gathering that has begun stays as it is.")


def _check_start(site: Site, row: WrittenRow) -> None:
    if row.starts_at <= site.now:
        raise Unacceptable("starts-in-past", "Nothing can be called for an instant that is past.")


def _check_running(site: Site) -> None:
    if site.row.state == "ended":
        raise Conflict("ended", "This series has ended.")
