"""Venues and protected places over HTTP. Everybody reads venues; organisers draw them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable, entity_tag
from backend.core.guards import PUBLIC, scoped
from backend.core.pages import MAX_CURSOR_LETTERS, read_cursor, write_cursor
from backend.core.problems import Problem, answers
from backend.places.venue_service import (
    NOWHERE,
    PreconditionFailed,
    PreconditionNeeded,
    Questioned,
    VenueService,
)
from schemas.problems import InvalidField
from schemas.venues import (
    ProtectedPlace,
    ProtectedPlaces,
    ProtectedPlan,
    Venue,
    VenuePage,
    VenuePlan,
    VenueReview,
)

MAX_AGE_SECONDS = 30
GEOJSON = "application/geo+json"
"""Media type of GeoJSON (RFC 7946 section 12)."""

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="Entity tag of what the change is based on; not for something new",
    ),
]
Thing = TypeVar("Thing")


class AfterVenue(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A page of venues ended behind this id."""

    id: UUID


@get(
    "/v1/venues",
    operation_id="listVenues",
    summary="Venues",
    tags=["places"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(VenuePage, generate_examples=False, description="A page of venues"),
        304: NOT_MODIFIED,
        **answers(400, 503),
    },
)
async def list_venues(
    request: Request[Any, Any, Any],
    venues: NamedDependency[VenueService],
    place: Annotated[
        str | None,
        QueryParameter(max_length=64, description="Only venues at this place of the gazetteer"),
    ] = None,
    cursor: Annotated[
        str | None,
        QueryParameter(
            max_length=MAX_CURSOR_LETTERS, description="`nextCursor` of the page before"
        ),
    ] = None,
) -> Response[bytes]:
    """Venues by id, 50 at a time."""
    after = NOWHERE if cursor is None else read_cursor(cursor, AfterVenue).id
    items, more = await venues.list_venues(place, after)
    next_cursor = write_cursor(AfterVenue(items[-1].id)) if more else None
    page = VenuePage(items=items, next_cursor=next_cursor)
    return cacheable(request, page, max_age=MAX_AGE_SECONDS)


@get(
    "/v1/venues/{venue_id:uuid}",
    operation_id="getVenue",
    summary="One venue for the map",
    tags=["places"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(
            Venue, generate_examples=False, description="The venue", media_type=GEOJSON
        ),
        304: NOT_MODIFIED,
        **answers(400, 404, 503),
    },
)
async def get_venue(
    request: Request[Any, Any, Any],
    venues: NamedDependency[VenueService],
    venue_id: FromPath[UUID],
) -> Response[bytes]:
    """A venue with exits, zones and route as GeoJSON. Its ETag is what a change needs."""
    venue = await venues.get_venue(venue_id)
    return cacheable(request, venue, max_age=MAX_AGE_SECONDS, media_type=GEOJSON)


@get(
    "/v1/venues/{venue_id:uuid}/review",
    operation_id="reviewVenue",
    summary="How near a venue comes to protected places",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(VenueReview, generate_examples=False, description="What to look at"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def review_venue(
    venues: NamedDependency[VenueService], venue_id: FromPath[UUID]
) -> Response[bytes]:
    """A venue and the protected places within 2 km of where people gather or march.

    Article 11 of the Assembly and Demonstration Act keeps 100 metres around them clear. This house
    knows only those that ship and those that organisers added: that nothing is told does not mean
    that nothing is there.
    """
    return _told(await venues.review(venue_id))


@put(
    "/v1/venues/{venue_id:uuid}",
    operation_id="putVenue",
    summary="Draw or redraw a venue",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(
            VenueReview, generate_examples=False, description="Redrawn, or as it was"
        ),
        201: ResponseSpec(VenueReview, generate_examples=False, description="A new venue"),
        **answers(400, 401, 403, 404, 412, 413, 415, 422, 428, 503),
    },
)
async def put_venue(
    venues: NamedDependency[VenueService],
    venue_id: FromPath[UUID],
    data: JSONBody[VenuePlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Draw a venue under an id of the client's own, or redraw it.

    What looks like a slip is asked, not assumed: 422 names the shapes, and the same request with
    an answer in `confirm` is taken. A change names the version it is based on in If-Match; the
    same request again answers 200 and changes nothing. The ETag is that of the venue.
    """
    review, new = await _asked(venues.put_venue(venue_id, data, _condition(if_match)))
    return _told(review, status=201 if new else 200, tagged=review.venue)


@delete(
    "/v1/venues/{venue_id:uuid}",
    operation_id="deleteVenue",
    summary="Remove a venue",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 412, 428, 503),
)
async def delete_venue(
    venues: NamedDependency[VenueService], venue_id: FromPath[UUID], if_match: IfMatch = None
) -> None:
    """Remove a venue of the version in If-Match. One that is not there is gone already."""
    await _asked(venues.delete_venue(venue_id, _condition(if_match)))


@get(
    "/v1/protected-places",
    operation_id="listProtectedPlaces",
    summary="Places that gatherings keep a distance from",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(ProtectedPlaces, generate_examples=False, description="All of them"),
        **answers(401, 403, 503),
    },
)
async def list_protected_places(venues: NamedDependency[VenueService]) -> Response[bytes]:
    """Those that ship and those that organisers added (Assembly and Demonstration Act 11).

    The National Assembly ships, as a point. Courts, residences and embassies are for organisers
    to add: this house holds no place that it cannot vouch for.
    """
    return _told(await venues.list_protected())


@get(
    "/v1/protected-places/{protected_id:uuid}",
    operation_id="getProtectedPlace",
    summary="One protected place",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(ProtectedPlace, generate_examples=False, description="The place"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def get_protected_place(
    venues: NamedDependency[VenueService], protected_id: FromPath[UUID]
) -> Response[bytes]:
    """A protected place as it stands. Its ETag is what a change needs."""
    place = await venues.get_protected(protected_id)
    return _told(place, tagged=place)


@put(
    "/v1/protected-places/{protected_id:uuid}",
    operation_id="putProtectedPlace",
    summary="Add or redraw a protected place",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(
            ProtectedPlace, generate_examples=False, description="Redrawn, or as it was"
        ),
        201: ResponseSpec(ProtectedPlace, generate_examples=False, description="A new one"),
        **answers(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503),
    },
)
async def put_protected_place(
    venues: NamedDependency[VenueService],
    protected_id: FromPath[UUID],
    data: JSONBody[ProtectedPlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Add a protected place under an id of the client's own, or redraw one.

    Draw its grounds, not its middle: the law counts from the border. One that ships as a point is
    redrawn under its own id.
    """
    place, new = await _asked(venues.put_protected(protected_id, data, _condition(if_match)))
    return _told(place, status=201 if new else 200, tagged=place)


@delete(
    "/v1/protected-places/{protected_id:uuid}",
    operation_id="deleteProtectedPlace",
    summary="Remove a protected place",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 412, 428, 503),
)
async def delete_protected_place(
    venues: NamedDependency[VenueService],
    protected_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> None:
    """Remove one of the version in If-Match. One that ships is from then on as it shipped."""
    await _asked(venues.delete_protected(protected_id, _condition(if_match)))


ROUTES = [
    list_venues,
    get_venue,
    review_venue,
    put_venue,
    delete_venue,
    list_protected_places,
    get_protected_place,
    put_protected_place,
    delete_protected_place,
]


async def _asked(answer: Awaitable[Thing]) -> Thing:
    """What a change gives.

    Raises:
        Problem: 412, 428; 422 with every finding and where it is.
    """
    try:
        return await answer
    except PreconditionNeeded:
        raise Problem(428) from None
    except PreconditionFailed:
        raise Problem(412) from None
    except Questioned as question:
        first, *_ = question.findings
        raise Problem(
            422,
            first.slug,
            first.sentence,
            errors=[
                InvalidField(pointer=each.pointer, reason=each.sentence)
                for each in question.findings
            ],
        ) from None


def _told(content: object, *, status: int = 200, tagged: object = None) -> Response[bytes]:
    """JSON that no cache keeps, with the entity tag of what a change would be based on."""
    headers = {"Cache-Control": "no-store"}
    if tagged is not None:
        headers["ETag"] = entity_tag(msgspec.json.encode(tagged))
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


def _condition(if_match: str | None) -> Callable[[object], bool] | None:
    """Whether If-Match names a thing as it stands (strong comparison, RFC 9110 section 13.1.1)."""
    if if_match is None:
        return None
    tags = {tag.strip() for tag in if_match.split(",")}
    return lambda thing: "*" in tags or entity_tag(msgspec.json.encode(thing)) in tags
