"""Writes calendars (RFC 5545, RFC 7986) that any calendar program can follow.

The same series gives the same bytes whenever it is written. Nobody is named in them, nothing in
them tells one reader from another, and they do not say that who keeps them is busy.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vDuration, vRecur

from backend.core.languages import pick
from backend.events.calendar_model import CalendarOverride, CalendarSeries
from backend.events.links import occurrence_url, series_url
from backend.events.rules import Schedule, expand, parse_rule
from backend.events.zones import doubtful_hours, time_zone
from schemas.events import GatheringText
from schemas.places import Place

MEDIA_TYPE = "text/calendar"
"""Always sent with its charset: Litestar says UTF-8 of all that is text."""

UID_SUFFIX = "@exit10"
REFRESH = timedelta(hours=1)
"""How often calendar programs are asked to look again (RFC 7986 section 5.7)."""

_AHEAD = timedelta(days=3653)
"""How far ahead of the last change starts in an hour that the clocks skip or repeat are told."""

_DAY = timedelta(days=1)


def write_calendar(
    told: Sequence[CalendarSeries],
    *,
    origin: str,
    wanted: tuple[str, ...],
    name: str | None = None,
) -> bytes:
    """Series as one calendar, in the language that suits best.

    Args:
        origin: of this server, for links.
        wanted: languages in the order of the reader's wish.
        name: what the calendar is called; when None, what the last series is called.
    """
    calendar = Calendar()
    calendar.add("PRODID", "-//Exit 10//Exit 10//EN")
    calendar.add("VERSION", "2.0")
    if name is None:
        name = pick(told[-1].texts, wanted)[1].title
    for property_name in ("NAME", "X-WR-CALNAME"):
        calendar.add(property_name, name)
    for property_name in ("REFRESH-INTERVAL", "X-PUBLISHED-TTL"):
        calendar.add(property_name, vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    for zone in sorted({each.time_zone for each in told}):
        years = [_first_year(each) for each in told if each.time_zone == zone]
        if not _is_utc(zone):
            calendar.add_component(time_zone(zone, min(years)))
    for each in told:
        for event in _Writer(each, origin, wanted).events():
            calendar.add_component(event)
    return calendar.to_ical()


class _Writer:
    """Writes the events of one series."""

    def __init__(self, series: CalendarSeries, origin: str, wanted: tuple[str, ...]) -> None:
        self._series = series
        self._origin = origin
        self._wanted = wanted
        self._zone = ZoneInfo("UTC" if _is_utc(series.time_zone) else series.time_zone)

    def events(self) -> Iterator[Event]:
        """The event that repeats, what differs from it, and what was added."""
        series = self._series
        replaced = [each for each in series.overrides if not each.added]
        if series.rrule is not None:
            yield self._repeating(series.rrule)
            for each in replaced:
                event = self._overriding(each, series.uid)
                event.add("RECURRENCE-ID", self._at(each.recurrence_id))
                yield event
            for local in self._doubtful_starts(series.rrule):
                event = self._regular(self._unmistakable(self._at(local)))
                event.add("RECURRENCE-ID", self._at(local))
                yield event
        elif replaced:
            yield self._overriding(replaced[0], series.uid)
        elif series.starts_local not in series.exdates:
            yield self._regular(self._unmistakable(self._at(series.starts_local)))
        for each in series.overrides:
            if each.added:
                yield self._overriding(each, f"{each.id}{UID_SUFFIX}")

    def _repeating(self, rrule: str) -> Event:
        event = self._regular(self._at(self._series.starts_local))
        event.add("RRULE", vRecur.from_ical(rrule))
        if self._series.exdates:
            event.add("EXDATE", [self._at(each) for each in self._series.exdates])
        return event

    def _doubtful_starts(self, rrule: str) -> Iterator[datetime]:
        """Starts by the rule in an hour that the clocks skip or repeat. Readers disagree on which
        instant is meant (RFC 5545 section 3.3.5), so each is told on its own.
        """
        series = self._series
        latest = (series.changed_at + _AHEAD).replace(tzinfo=None)
        spans = [
            (begin, end)
            for begin, end in doubtful_hours(series.time_zone, series.starts_local.year)
            if begin <= datetime.combine(begin, series.starts_local.time()) < end <= latest
        ]
        if not spans:
            return
        known = {*series.exdates, *(each.recurrence_id for each in series.overrides)}
        held = Schedule(
            series.id, series.starts_local, self._zone, series.duration, parse_rule(rrule)
        )
        starts = {
            datetime.combine(each.recurrence_id, series.starts_local.time())
            for each in expand(held, before=spans[-1][1].replace(tzinfo=UTC) + _DAY, limit=None)
        }
        for begin, end in spans:
            yield from sorted(each for each in starts - known if begin <= each < end)

    def _regular(self, starts_at: datetime) -> Event:
        series = self._series
        ends_at = (starts_at.astimezone(UTC) + series.duration).astimezone(self._zone)
        event = self._event(series.uid, series.sequence, series.changed_at, starts_at, ends_at)
        event.add("URL", self._page())
        self._describe(event, series.texts, series.place)
        event.add("STATUS", "CONFIRMED")
        return event

    def _page(self) -> str:
        """Of the series, or of the one gathering that is told alone."""
        name = UUID(self._series.uid.removesuffix(UID_SUFFIX))
        link = series_url if name == self._series.id else occurrence_url
        return link(self._origin, name)

    def _overriding(self, one: CalendarOverride, uid: str) -> Event:
        starts_at = self._unmistakable(one.starts_at)
        event = self._event(uid, one.sequence, one.changed_at, starts_at, one.ends_at)
        event.add("URL", occurrence_url(self._origin, one.id))
        self._describe(event, one.texts, one.place, one.reason)
        event.add("STATUS", "CANCELLED" if one.state == "cancelled" else "CONFIRMED")
        return event

    def _event(
        self,
        uid: str,
        sequence: int,
        changed_at: datetime,
        starts_at: datetime,
        ends_at: datetime,
    ) -> Event:
        """An event that does not make its keeper busy: who goes to rallies is hers to tell."""
        event = Event()
        event.add("UID", uid)
        event.add("SEQUENCE", sequence)
        event.add("DTSTAMP", changed_at.astimezone(UTC))
        event.add("LAST-MODIFIED", changed_at.astimezone(UTC))
        event.add("DTSTART", starts_at)
        event.add("DTEND", self._unmistakable(ends_at))
        event.add("CATEGORIES", [self._series.kind])
        event.add("TRANSP", "TRANSPARENT")
        return event

    def _describe(
        self,
        event: Event,
        texts: dict[str, GatheringText],
        place: Place,
        reason: dict[str, str] | None = None,
    ) -> None:
        language, text = pick(texts, self._wanted)
        programme = "\n".join(f"{item.at} {item.title}" for item in text.programme or ())
        why = "" if reason is None else pick(reason, (language,))[1]
        where = f"{pick(place.names, (language,))[1]} · {text.meeting_point}"
        described = "\n\n".join(part for part in (why, text.summary, programme) if part)
        for name, value in (
            ("SUMMARY", text.title),
            ("DESCRIPTION", described),
            ("LOCATION", where),
        ):
            if value:
                event.add(name, value, parameters={"LANGUAGE": language})
        event.add("GEO", (place.latitude, place.longitude))

    def _at(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone)

    def _unmistakable(self, at: datetime) -> datetime:
        """On the wall clock of the series; in UTC when the wall shows the hour twice or never."""
        local = at.astimezone(self._zone)
        doubtful = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return local.astimezone(UTC) if doubtful else local


def _first_year(series: CalendarSeries) -> int:
    """The year before anything of the series: by the wall clock its first day may lie in it."""
    starts = [series.starts_local, *(each.starts_at for each in series.overrides)]
    return min(each.year for each in starts) - 1


def _is_utc(zone: str) -> bool:
    return zone in {"UTC", "Etc/UTC"}
