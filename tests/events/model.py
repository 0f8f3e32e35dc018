"""A reader of calendar structs that knows nothing of how they were made."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from backend.events.calendar_model import CalendarSeries


def instants_by_rule(
    line: Iterable[CalendarSeries], until: datetime | None = None
) -> tuple[list[datetime], list[datetime]]:
    """Starts of what is held and of what is cancelled: rule, less exdates, with overrides.

    Args:
        until: where an endless rule is left; everything when None.
    """
    held: list[datetime] = []
    cancelled: list[datetime] = []
    for series in line:
        zone = ZoneInfo(series.time_zone)
        made = [series.starts_local]
        if series.rrule is not None:
            # dateutil wants UNTIL and the start to be both aware or both naive.
            rule = rrulestr(
                series.rrule, dtstart=series.starts_local.replace(tzinfo=zone), cache=False
            )
            made = []
            for start in rule:
                if until is not None and start >= until:
                    break
                made.append(start.replace(tzinfo=None))
        skipped = {*series.exdates, *(o.recurrence_id for o in series.overrides if not o.added)}
        held += [_instant(local, zone) for local in made if local not in skipped]
        for override in series.overrides:
            starts_at = override.starts_at.astimezone(UTC)
            (cancelled if override.state == "cancelled" else held).append(starts_at)
    return sorted(held), sorted(cancelled)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
