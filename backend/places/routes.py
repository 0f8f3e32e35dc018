"""Places over HTTP. A request names a place; it never says where somebody is."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable
from backend.core.guards import PUBLIC
from backend.core.problems import answers
from backend.places.service import PlaceService
from schemas.places import PlaceDetail, Places

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


ROUTES = [list_places, get_place]
