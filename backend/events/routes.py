"""Series and occurrences over HTTP. Reading needs no token and leaves no trace."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable
from backend.core.guards import PUBLIC
from backend.core.languages import wanted_languages
from backend.core.pages import MAX_CURSOR_LETTERS, read_cursor, write_cursor
from backend.core.problems import Problem, answers
from backend.events.service import EventService, Position
from schemas.base import LANGUAGE_PATTERN
from schemas.events import (
    FIRST_YEAR,
    LAST_YEAR,
    OccurrenceDetail,
    OccurrencePage,
    Series,
    SeriesPage,
)
from schemas.problems import InvalidField

MAX_AGE_SECONDS = 30
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_INSTANT_LETTERS = 40
_EARLIEST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_LATEST = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)

Cursor = Annotated[
    str | None,
    QueryParameter(max_length=MAX_CURSOR_LETTERS, description="`nextCursor` of the page before"),
]
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


class AfterSeries(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A page of series ended behind this id."""

    id: UUID


class AfterOccurrence(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A page of occurrences ended behind this start (seconds of Unix time) and id."""

    starts_at: Annotated[int, msgspec.Meta(ge=0, lt=2**33)]
    id: UUID


@get(
    "/v1/series",
    operation_id="listSeries",
    summary="Series of gatherings",
    tags=["events"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(SeriesPage, generate_examples=False, description="A page of series"),
        304: NOT_MODIFIED,
        **answers(400, 503),
    },
)
async def list_series(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    cursor: Cursor = None,
) -> Response[bytes]:
    """Every series that was published, by id, 50 at a time."""
    after = None if cursor is None else read_cursor(cursor, AfterSeries)
    items, more = await (events.list_series() if after is None else events.list_series(after.id))
    next_cursor = write_cursor(AfterSeries(items[-1].id)) if more else None
    page = SeriesPage(items=items, next_cursor=next_cursor)
    return cacheable(request, page, max_age=MAX_AGE_SECONDS)


@get(
    "/v1/series/{series_id:uuid}",
    operation_id="getSeries",
    summary="One series",
    tags=["events"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(Series, generate_examples=False, description="The series"),
        304: NOT_MODIFIED,
        **answers(400, 404, 503),
    },
)
async def get_series(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    series_id: FromPath[UUID],
) -> Response[bytes]:
    """A series as it stands, in all its languages. Its ETag is what a change needs."""
    return cacheable(request, await events.get_series(series_id), max_age=MAX_AGE_SECONDS)


@get(
    "/v1/occurrences",
    operation_id="listOccurrences",
    summary="Gatherings in a span of time",
    tags=["events"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(OccurrencePage, generate_examples=False, description="A page of them"),
        304: NOT_MODIFIED,
        **answers(400, 503),
    },
)
async def list_occurrences(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    earliest: Annotated[
        str | None,
        QueryParameter(
            name="from",
            format="date-time",
            max_length=MAX_INSTANT_LETTERS,
            description="First start (RFC 3339); 6 hours ago by default",
        ),
    ] = None,
    latest: Annotated[
        str | None,
        QueryParameter(
            name="to",
            format="date-time",
            max_length=MAX_INSTANT_LETTERS,
            description="Starts lie before it (RFC 3339); 60 days ahead by default",
        ),
    ] = None,
    series: Annotated[
        UUID | None, QueryParameter(description="Only gatherings of this series")
    ] = None,
    lang: Lang = None,
    cursor: Cursor = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """Gatherings by their start, 50 at a time, each in one language. Cancelled ones say so."""
    after = None if cursor is None else read_cursor(cursor, AfterOccurrence)
    items, more = await events.list_occurrences(
        earliest=_bound("from", earliest),
        latest=_bound("to", latest),
        series=series,
        after=None
        if after is None
        else Position(datetime.fromtimestamp(after.starts_at, UTC), after.id),
        wanted=wanted_languages(lang, accept_language),
    )
    next_cursor = None
    if more:
        last = items[-1]
        next_cursor = write_cursor(AfterOccurrence(int(last.starts_at.timestamp()), last.id))
    page = OccurrencePage(items=items, next_cursor=next_cursor)
    return cacheable(request, page, max_age=MAX_AGE_SECONDS)


@get(
    "/v1/occurrences/{occurrence_id:uuid}",
    operation_id="getOccurrence",
    summary="One gathering",
    tags=["events"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(OccurrenceDetail, generate_examples=False, description="The gathering"),
        304: NOT_MODIFIED,
        **answers(400, 404, 503),
    },
)
async def get_occurrence(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    occurrence_id: FromPath[UUID],
    lang: Lang = None,
    accept_language: AcceptLanguage = None,
) -> Response[bytes]:
    """A gathering in the language that suits best, and its texts in all of them."""
    wanted = wanted_languages(lang, accept_language)
    detail = await events.get_occurrence(occurrence_id, wanted)
    return cacheable(request, detail, max_age=MAX_AGE_SECONDS)


ROUTES = [list_series, get_series, list_occurrences, get_occurrence]


def _bound(name: str, text: str | None) -> datetime | None:
    """An instant of the query, brought within the years that gatherings are held in.

    Raises:
        Problem: 400, it is no instant or has no offset.
    """
    if text is None:
        return None
    try:
        instant = msgspec.convert(text, Instant)
    except msgspec.ValidationError:
        wrong = InvalidField(pointer=name, reason="Expected an instant with offset (RFC 3339)")
        raise Problem(400, "invalid-parameter", errors=[wrong]) from None
    return min(max(instant, _EARLIEST), _LATEST)
