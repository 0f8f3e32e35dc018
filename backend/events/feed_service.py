"""Verbs of those who follow from afar: calendars and the feed, as bytes that are the same for
everybody who reads the same language.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.alerts.service import AlertService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.languages import pick
from backend.core.pages import write_cursor
from backend.events import calendar, feed, repository, telling
from backend.events.calendar_model import CalendarSeries
from backend.events.calendar_rules import Written
from backend.events.feed import Entry, Gathering
from backend.events.links import occurrence_url
from backend.places.service import PlaceService
from schemas.events import Occurrence, Series

NAME = "Exit 10"
"""What the calendar and the feed of the whole coalition are called."""

CALENDAR_TYPE, FEED_TYPE = calendar.MEDIA_TYPE, feed.MEDIA_TYPE
PAGE_SIZE = 100

_ALERTS_SINCE, _ALERTS_AHEAD = timedelta(days=1), timedelta(days=14)
_MOST_ALERTED = 16
_CANCELLED = {"ko": "취소", "en": "Cancelled"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Events(Protocol):
    """What is asked of the service of events."""

    async def calendar_series(
        self, *, series: UUID | None = None, occurrence: UUID | None = None
    ) -> list[CalendarSeries]:
        """What calendars tell."""
        ...

    async def list_occurrences(
        self, *, earliest: datetime | None = None, latest: datetime | None = None
    ) -> tuple[list[Occurrence], bool]:
        """A page of occurrences by start."""
        ...


class FeedPosition(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A page of the feed ended behind this change (microseconds of Unix time) and id."""

    changed: int
    id: UUID

    @property
    def key(self) -> tuple[int, UUID]:
        """The last change comes first."""
        return -self.changed, self.id


class FeedService:
    """Calendars and the feed."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        origin: str,
        places: PlaceService,
        events: Events,
        alerts: AlertService,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._origin = origin
        self._places = places
        self._events = events
        self._alerts = alerts

    async def calendar(
        self,
        wanted: tuple[str, ...],
        *,
        series: UUID | None = None,
        occurrence: UUID | None = None,
    ) -> bytes:
        """The calendar of a series and those that continue it, of one gathering, or of everything.

        Raises:
            NotFound: there is no such series or gathering.
        """
        told = await self._events.calendar_series(series=series, occurrence=occurrence)
        name = NAME if series is None and occurrence is None else None
        return calendar.write_calendar(told, origin=self._origin, wanted=wanted, name=name)

    async def feed(
        self, wanted: tuple[str, ...], lang: str | None, after: FeedPosition | None
    ) -> bytes:
        """A page of the feed, the last change first; the first page has the alerts as well.

        Args:
            wanted: languages in the order of the reader's wish.
            lang: the one that the address names; links keep it.
        """
        told = [each for each in await self._told() if after is None or each.key > after.key]
        page = sorted(told, key=lambda each: each.key)[:PAGE_SIZE]
        following = None
        if len(told) > PAGE_SIZE:
            following = self._address(lang, page[-1].position)
        entries = [self._entry(each, wanted) for each in page]
        if after is None:
            entries += await self._recent_alerts(wanted)
        return feed.write_feed(
            sorted(entries, key=lambda each: (each.updated, each.id), reverse=True),
            title=NAME,
            origin=self._origin,
            here=self._address(lang, after),
            following=following,
        )

    async def _told(self) -> list["_Told"]:
        rows = await repository.list_line(self._pool, None)
        series = {row.id: row.series() for row in rows}
        return [
            _Told(
                series[row.series],
                telling.written(series[row.series], row, self._places),
            )
            for row in await repository.list_written(self._pool, list(series))
        ]

    def _entry(self, told: "_Told", wanted: tuple[str, ...]) -> Entry:
        series, one = told
        language, text = pick(one.texts, wanted)
        zone = ZoneInfo(series.time_zone)
        starts_at, ends_at = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
        held = one.state == "scheduled"
        when = f"{starts_at:%Y-%m-%d %H:%M}–{ends_at:%H:%M} ({series.time_zone})"
        where = f"{pick(one.place.names, (language,))[1]} · {text.meeting_point}"
        why = "" if held or one.reason is None else pick(one.reason, (language,))[1]
        status = "cancelled" if not held else "changed" if one.sequence else "published"
        return Entry(
            id=one.id,
            updated=one.changed_at,
            language=language,
            title=text.title if held else f"[{pick(_CANCELLED, (language, 'en'))[1]}] {text.title}",
            text="\n\n".join(part for part in (why, f"{when}\n{where}", text.summary) if part),
            url=occurrence_url(self._origin, one.id),
            terms=(series.kind, status),
            gathering=Gathering(
                starts_at=starts_at,
                ends_at=ends_at,
                place=one.place,
                calendar=f"{self._origin}/v1/occurrences/{one.id}/calendar.ics",
            ),
        )

    async def _recent_alerts(self, wanted: tuple[str, ...]) -> list[Entry]:
        """What went out about the gatherings around now, and holds still."""
        now = self._clock()
        near, _ = await self._events.list_occurrences(
            earliest=now - _ALERTS_SINCE, latest=now + _ALERTS_AHEAD
        )
        return [
            Entry(
                id=alert.id,
                updated=alert.sent_at,
                language=alert.language,
                title=alert.title,
                text=alert.body,
                url=occurrence_url(self._origin, gathering.id),
                terms=("alert", alert.kind.value),
            )
            for gathering in near[:_MOST_ALERTED]
            for alert in (await self._alerts.public(gathering.id, wanted)).alerts
            if not alert.replaced
        ]

    def _address(self, lang: str | None, after: FeedPosition | None) -> str:
        query = {
            **({} if lang is None else {"lang": lang}),
            **({} if after is None else {"cursor": write_cursor(after)}),
        }
        return f"{self._origin}/v1/feed.atom" + (f"?{urlencode(query)}" if query else "")


class _Told(NamedTuple):
    """A gathering and the series it belongs to. One whose date was removed is told as cancelled:
    who read of it would wait there otherwise.
    """

    series: Series
    written: Written

    @property
    def position(self) -> FeedPosition:
        return FeedPosition((self.written.changed_at - _EPOCH) // _MICROSECOND, self.written.id)

    @property
    def key(self) -> tuple[int, UUID]:
        return self.position.key
