"""Places over HTTP. A request names a place; it never says where somebody is."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable
from backend.core.guards import PUBLIC, scoped
from backend.core.problems import Problem, answers
from backend.places.lookup_service import LookupService
from backend.places.service import PlaceService
from schemas.base import plain_text
from schemas.places import Lookup, PlaceDetail, Places
from schemas.problems import InvalidField

MAX_AGE_SECONDS = 3600


@get(
    "/v1/places",
    operation_id="listPlaces",
    summary="Places by name",
    tags=["places"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(Places, generate_examples=False, description="The places"),
        304: NOT_MODIFIED,
        **answers(400),
    },
)
async def list_places(
    request: Request[Any, Any, Any],
    places: NamedDependency[PlaceService],
    q: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=80,
            description="A name in Korean, English or a romanisation; typing errors are forgiven",
        ),
    ] = None,
) -> Response[bytes]:
    """All places of the gazetteer, or those that answer to a name, the likeliest first."""
    return cacheable(request, Places(items=places.search(q)), max_age=MAX_AGE_SECONDS)


@get(
    "/v1/places/{place_id:str}",
    operation_id="getPlace",
    summary="One place",
    tags=["places"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(PlaceDetail, generate_examples=False, description="The place"),
        304: NOT_MODIFIED,
        **answers(400, 404),
    },
)
async def get_place(
    request: Request[Any, Any, Any],
    places: NamedDependency[PlaceService],
    place_id: FromPath[str],
) -> Response[bytes]:
    """A place and how far the others are from it."""
    return cacheable(request, places.detail(place_id), max_age=MAX_AGE_SECONDS)


@get(
    "/v1/places/lookup",
    operation_id="lookUpPlaces",
    summary="Places that the gazetteer does not have",
    tags=["places"],
    opt=scoped("series:write"),
    security=[{"token": []}],
    responses={
        200: ResponseSpec(Lookup, generate_examples=False, description="What may be meant"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def look_up_places(
    lookup: NamedDependency[LookupService],
    q: Annotated[
        str,
        QueryParameter(min_length=2, max_length=80, description="A name or an address"),
    ],
) -> Response[bytes]:
    """What a geocoder outside makes of a name, for organisers who draw a venue.

    Off unless the operator names a Nominatim or Photon server; 404 `lookup-off` says so. The
    server learns what was typed and that Exit 10 asks, not who asks or where anybody is. One
    question a second goes out.
    """
    try:
        query = plain_text(q)
    except ValueError:
        wrong = InvalidField(pointer="q", reason="Not acceptable")
        raise Problem(400, "invalid-parameter", errors=[wrong]) from None
    found = await lookup.look_up(query)
    return Response(
        msgspec.json.encode(found),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )


ROUTES = [list_places, get_place, look_up_places]
