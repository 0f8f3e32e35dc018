"""Calendars and the feed over HTTP, for programs that look again by themselves. The address is the
same for everybody: none of them tells who follows.
"""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable
from backend.core.guards import PUBLIC
from backend.core.languages import wanted_languages
from backend.core.pages import MAX_CURSOR_LETTERS, read_cursor
from backend.core.problems import answers
from backend.events.feed_service import CALENDAR_TYPE, FEED_TYPE, FeedPosition, FeedService
from schemas.base import LANGUAGE_PATTERN

MAX_AGE_SECONDS = 30
Lang = Annotated[
    str | None,
    QueryParameter(
        pattern=LANGUAGE_PATTERN,
        max_length=11,
        description="RFC 5646 tag; goes before Accept-Language, and Korean stands in for it",
    ),
]
AcceptLanguage = Annotated[
    str | None, HeaderParameter(name="Accept-Language", description="RFC 9110 section 12.5.4")
]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=MAX_CURSOR_LETTERS, description="From the `next` link of a page"),
]
A_CALENDAR = ResponseSpec(
    str, generate_examples=False, media_type="text/calendar", description="iCalendar (RFC 5545)"
)
A_FEED = ResponseSpec(
    str, generate_examples=False, media_type="application/atom+xml", description="Atom (RFC 4287)"
)


@get(
    "/v1/series/{series_id:uuid}/calendar.ics",
    operation_id="getSeriesCalendar",
    summary="A series for calendar programs",
    tags=["events"],
    opt=PUBLIC,
    responses={200: A_CALENDAR, 304: NOT_MODIFIED, **answers(400, 404, 503)},
)
async def get_series_calendar(
    request: Request[Any, Any, Any],
    feeds: NamedDependency[FeedService],
    series_id: FromPath[UUID],
    lang: Lang = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """The series with all that continues it: its rule, and each gathering that differs from it."""
    wanted = wanted_languages(lang, accept_language)
    return _calendar(request, await feeds.calendar(wanted, series=series_id))


@get(
    "/v1/occurrences/{occurrence_id:uuid}/calendar.ics",
    operation_id="getOccurrenceCalendar",
    summary="One gathering for calendar programs",
    tags=["events"],
    opt=PUBLIC,
    responses={200: A_CALENDAR, 304: NOT_MODIFIED, **answers(400, 404, 503)},
)
async def get_occurrence_calendar(
    request: Request[Any, Any, Any],
    feeds: NamedDependency[FeedService],
    occurrence_id: FromPath[UUID],
    lang: Lang = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """The gathering alone, as it stands."""
    wanted = wanted_languages(lang, accept_language)
    return _calendar(request, await feeds.calendar(wanted, occurrence=occurrence_id))


@get(
    "/v1/calendar.ics",
    operation_id="getCalendar",
    summary="Everything for calendar programs",
    tags=["events"],
    opt=PUBLIC,
    responses={200: A_CALENDAR, 304: NOT_MODIFIED, **answers(400, 503)},
)
async def get_calendar(
    request: Request[Any, Any, Any],
    feeds: NamedDependency[FeedService],
    lang: Lang = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """Every series that was published."""
    return _calendar(request, await feeds.calendar(wanted_languages(lang, accept_language)))


@get(
    "/v1/feed.atom",
    operation_id="getFeed",
    summary="Gatherings and alerts for feed readers",
    tags=["events"],
    opt=PUBLIC,
    responses={200: A_FEED, 304: NOT_MODIFIED, **answers(400, 503)},
)
async def get_feed(
    request: Request[Any, Any, Any],
    feeds: NamedDependency[FeedService],
    lang: Lang = None,
    cursor: Cursor = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """Gatherings that were published, changed or cancelled, the last change first, 100 at a time;
    before them the alerts about those of the coming two weeks that went out. The `next` link leads
    to earlier ones (RFC 5005).
    """
    after = None if cursor is None else read_cursor(cursor, FeedPosition)
    body = await feeds.feed(wanted_languages(lang, accept_language), lang, after)
    return cacheable(request, body, max_age=MAX_AGE_SECONDS, media_type=FEED_TYPE)


ROUTES = [get_series_calendar, get_occurrence_calendar, get_calendar, get_feed]


def _calendar(request: Request[Any, Any, Any], body: bytes) -> Response[bytes]:
    return cacheable(request, body, max_age=MAX_AGE_SECONDS, media_type=CALENDAR_TYPE)
