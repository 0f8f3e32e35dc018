"""Venues as organisers draw them and as maps show them, and places that the law keeps clear."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.base import Language, Wire, plain_text, tidy
from schemas.geojson import Geometry, LineString, Point, Polygon
from schemas.places import PlaceId

Names = Annotated[
    dict[Language, Annotated[str, msgspec.Meta(min_length=1, max_length=120)]],
    msgspec.Meta(
        min_length=1,
        max_length=12,
        description="Name by language",
        examples=[{"ko": "강남역 10번 출구 앞", "en": "In front of Gangnam Station, Exit 10"}],
    ),
]
MAX_ZONE_POSITIONS = 600
"""Of all zones of a venue together."""

ZoneId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=32,
        description="Name of a zone within its venue; stays when the zone is drawn anew",
        examples=["stage"],
    ),
]
Confirmation = Annotated[
    Literal["swapped", "mirrored", "far", "overlap"],
    msgspec.Meta(
        description=(
            "An answer to a question that drawing the venue raised. `swapped`: latitude and "
            "longitude were exchanged, read them the other way round. `mirrored`: it does lie on "
            "that side of the equator or of Greenwich. `far`: it is meant to be that far from the "
            "venue. `overlap`: the zones are meant to overlap."
        )
    ),
]
Metres = Annotated[int, msgspec.Meta(ge=0)]
Minutes = Annotated[int, msgspec.Meta(ge=0)]


class Exit(Wire, frozen=True):
    """A way in and out of the venue, such as an exit of a station."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=40, examples=["10"])]
    point: Point
    step_free: Annotated[bool, msgspec.Meta(description="It has a lift or a ramp")]

    def __post_init__(self) -> None:
        """Refuse text that deceives the eye; see `schemas.base.plain_text`."""
        tidy(self, "label")
        if not self.label:
            raise ValueError("label must not be blank")


class Zone(Wire, frozen=True):
    """A part of the venue: where people stand, where marshals are posted."""

    id: ZoneId
    names: Names
    area: Polygon

    def __post_init__(self) -> None:
        """Put names in order."""
        _tidy_names(self)


class VenuePlan(Wire, frozen=True):
    """A venue as an organiser draws it."""

    names: Names
    point: Annotated[Point, msgspec.Meta(description="Where people are told to come")]
    place: Annotated[
        PlaceId | None, msgspec.Meta(description="The place of the gazetteer that it lies at")
    ] = None
    exits: Annotated[list[Exit], msgspec.Meta(max_length=40)] = msgspec.field(
        default_factory=list[Exit]
    )
    zones: Annotated[list[Zone], msgspec.Meta(max_length=24)] = msgspec.field(
        default_factory=list[Zone]
    )
    route: Annotated[
        LineString | None, msgspec.Meta(description="The way of a march, from its start")
    ] = None
    confirm: Annotated[
        list[Confirmation], msgspec.Meta(max_length=4, description="Asked for by a 422; not kept")
    ] = msgspec.field(default_factory=list[Confirmation])

    def __post_init__(self) -> None:
        """Refuse names given twice; put names in order."""
        _tidy_names(self)
        if len({each.label for each in self.exits}) < len(self.exits):
            raise ValueError("exits must have different labels")
        if len({zone.id for zone in self.zones}) < len(self.zones):
            raise ValueError("zones must have different ids")
        drawn = sum(len(ring) for zone in self.zones for ring in zone.area.coordinates)
        if drawn > MAX_ZONE_POSITIONS:
            raise ValueError(f"zones must have at most {MAX_ZONE_POSITIONS} positions together")


class VenueProperties(Wire, frozen=True, tag_field="kind", tag="venue"):
    """Where people are told to come."""

    names: Names


class ExitProperties(Wire, frozen=True, tag_field="kind", tag="exit"):
    """A way in and out."""

    label: str
    step_free: bool


class ZoneProperties(Wire, frozen=True, tag_field="kind", tag="zone"):
    """A part of the venue."""

    id: ZoneId
    names: Names
    area_square_metres: Annotated[
        int, msgspec.Meta(ge=0, description="On the ellipsoid (WGS 84), without holes")
    ]


class RouteProperties(Wire, frozen=True, tag_field="kind", tag="route"):
    """The way of a march."""

    length_metres: Annotated[int, msgspec.Meta(ge=0, description="Along geodesics (WGS 84)")]
    walking_minutes: Annotated[
        Minutes,
        msgspec.Meta(
            description="Alone at 1.34 m/s: an assumption, the mean free speed of Weidmann (1993)"
        ),
    ]
    crowd_minutes: Annotated[
        Minutes,
        msgspec.Meta(
            description=(
                "Among 2 people per square metre at 0.6 m/s: an assumption, by Weidmann's curve "
                "of speed over density (1993). A crowd that stops takes longer"
            )
        ),
    ]


class Feature(Wire, frozen=True, tag_field="type", tag="Feature"):
    """One thing on the map (RFC 7946 section 3.2)."""

    id: Annotated[str, msgspec.Meta(examples=["zone:stage"])]
    geometry: Geometry
    properties: VenueProperties | ExitProperties | ZoneProperties | RouteProperties


class Venue(Wire, frozen=True, tag_field="type", tag="FeatureCollection"):
    """A venue for the map (RFC 7946 section 3.3). Its entity tag is what a change names."""

    id: UUID
    version: Annotated[int, msgspec.Meta(ge=1, description="Grows by one with each change")]
    names: Names
    place: PlaceId | None
    bbox: Annotated[
        list[float],
        msgspec.Meta(
            min_length=4,
            max_length=4,
            description="West, south, east, north (RFC 7946 section 5)",
            examples=[[127.0266, 37.4966, 127.0286, 37.4985]],
        ),
    ]
    features: list[Feature]


class VenueSummary(Wire, frozen=True):
    """A venue in a list."""

    id: UUID
    names: Names
    place: PlaceId | None
    point: Point


class VenuePage(Wire, frozen=True):
    """Venues by id."""

    items: list[VenueSummary]
    next_cursor: str | None


class ProtectedPlan(Wire, frozen=True):
    """A place that gatherings must keep a distance from, drawn by an organiser."""

    names: Names
    geometry: Annotated[
        Point | Polygon,
        msgspec.Meta(description="Its grounds; a point when nobody has drawn them yet"),
    ]

    def __post_init__(self) -> None:
        """Put names in order."""
        _tidy_names(self)


class ProtectedPlace(ProtectedPlan, frozen=True, kw_only=True):
    """A protected place as it stands. Its entity tag is what a change names in If-Match."""

    id: UUID
    version: Annotated[
        int, msgspec.Meta(ge=0, description="0 as it ships; grows by one with each change")
    ]


class ProtectedPlaces(Wire, frozen=True):
    """All protected places that this house knows. The law knows more."""

    items: list[ProtectedPlace]


class ProtectedDistance(Wire, frozen=True):
    """How near a venue comes to a protected place."""

    id: Annotated[UUID, msgspec.Meta(description="The protected place")]
    names: Names
    feature: Annotated[
        str, msgspec.Meta(description="The feature that comes nearest", examples=["route"])
    ]
    metres: Annotated[
        Metres, msgspec.Meta(description="From border to border, rounded down; 0 when they meet")
    ]
    limit_metres: Annotated[Metres, msgspec.Meta(examples=[100])]
    verdict: Annotated[
        Literal["within", "unclear", "beyond"],
        msgspec.Meta(
            description=(
                "`within`: not more than the limit. `unclear`: the place is known as a point only, "
                "and its border, from which the law counts, may be nearer. `beyond`: farther off"
            )
        ),
    ]
    article: Annotated[
        str, msgspec.Meta(examples=["Assembly and Demonstration Act (Korea), article 11"])
    ]


class VenueReview(Wire, frozen=True):
    """A venue as an organiser has to look at it before she announces it."""

    venue: Venue
    protected_places: Annotated[
        list[ProtectedDistance],
        msgspec.Meta(description="Those within 2 km that this house knows, the nearest first"),
    ]


def _tidy_names(message: Zone | VenuePlan | ProtectedPlan) -> None:
    """Refuse names that deceive the eye, put Korean first."""
    names = {tag: plain_text(name) for tag, name in message.names.items()}
    if not all(names.values()):
        raise ValueError("names must not be blank")
    ordered = {tag: names[tag] for tag in sorted(names, key=lambda tag: (tag != "ko", tag))}
    msgspec.structs.force_setattr(message, "names", ordered)
