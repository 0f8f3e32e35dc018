"""Places on the wire: where gatherings are held. Never where a person is."""

from typing import Annotated

import msgspec

from schemas.base import Language, Wire

PlaceId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=64,
        description="Name of a place in the gazetteer; never given to another place",
        examples=["gangnam-station-exit-10"],
    ),
]


class Place(Wire, frozen=True):
    """A place of the gazetteer (WGS 84)."""

    id: PlaceId
    names: Annotated[
        dict[Language, str],
        msgspec.Meta(examples=[{"ko": "강남역 10번 출구", "en": "Gangnam Station, Exit 10"}]),
    ]
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90, description="Degrees north")]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180, description="Degrees east")]
    approximate: Annotated[
        bool, msgspec.Meta(description="The coordinates may be 50 metres off; trust the name")
    ]


class Places(Wire, frozen=True):
    """Places, the likeliest first."""

    items: list[Place]


class Distance(Wire, frozen=True):
    """How far another place is, as the crow flies."""

    id: PlaceId
    metres: Annotated[int, msgspec.Meta(ge=0, description="On the geodesic, rounded to 10 metres")]


class PlaceDetail(Place, frozen=True):
    """A place and its way to the others, the nearest first."""

    nearby: list[Distance]


class FoundPlace(Wire, frozen=True):
    """A place that an outside geocoder told of. Not in the gazetteer, and not vouched for."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90, description="Degrees north")]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180, description="Degrees east")]


class Lookup(Wire, frozen=True):
    """What an outside geocoder found, the likeliest first."""

    items: list[FoundPlace]
    attribution: Annotated[
        str,
        msgspec.Meta(
            description="To be shown with the places", examples=["© OpenStreetMap contributors"]
        ),
    ]
