"""What a drawing must be, what organisers are asked about it, and what the law says of it. Pure.

Nothing is corrected unasked: what looks like a slip is a question, and she answers it.
"""

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Literal, TypeVar
from uuid import UUID

import msgspec

from backend.places import geometry, measures
from schemas.geojson import Geometry, LineString, Point, Polygon, Position
from schemas.venues import (
    ExitProperties,
    Feature,
    ProtectedDistance,
    ProtectedPlace,
    ProtectedPlan,
    RouteProperties,
    Venue,
    VenuePlan,
    VenueProperties,
    ZoneProperties,
)

ASKED_METRES = 3000
"""From here on a zone, an exit or a route is far from its venue, and she is asked."""

FARTHEST_METRES = 50_000
"""Beyond this it is no part of the venue, whatever she says."""

POLAR_DEGREES = 85
"""Nearer to a pole nothing is drawn: a degree east is too short there."""

ARTICLE = "Assembly and Demonstration Act (Korea), article 11"
LIMIT_METRES = 100
"""Around the border of a protected place (article 11)."""

UNDRAWN_METRES = 500
"""How far the border of a place may be taken to lie from the point that it is known by. A margin
for caution, no fact of the place: who knows the border draws it."""

LOOKED_FOR_METRES = 2000
"""Protected places farther off are not told."""

_KOREA = (124.0, 33.0, 132.0, 39.0)
"""West, south, east, north of a box around the country, generous to all sides."""

Shape = TypeVar("Shape", Point, LineString, Polygon)


class Finding(msgspec.Struct, frozen=True):
    """Something about a drawing that is impossible or strange, and where (JSON pointer)."""

    slug: str
    pointer: str
    sentence: str


class Drawn(msgspec.Struct, frozen=True):
    """A shape of a plan, and where it stands in it."""

    pointer: str
    shape: Geometry


def drawn(plan: VenuePlan) -> list[Drawn]:
    """Every shape of a plan."""
    shapes = [Drawn("/point", plan.point)]
    shapes += [Drawn(f"/exits/{index}/point", each.point) for index, each in enumerate(plan.exits)]
    shapes += [Drawn(f"/zones/{index}/area", each.area) for index, each in enumerate(plan.zones)]
    if plan.route is not None:
        shapes.append(Drawn("/route", plan.route))
    return shapes


def read_as_meant(plan: VenuePlan) -> VenuePlan:
    """The plan with latitude and longitude the right way round, when she said they are not."""
    if "swapped" not in plan.confirm:
        return plan
    return msgspec.structs.replace(
        plan,
        point=_exchanged(plan.point),
        exits=[msgspec.structs.replace(each, point=_exchanged(each.point)) for each in plan.exits],
        zones=[msgspec.structs.replace(each, area=_exchanged(each.area)) for each in plan.zones],
        route=None if plan.route is None else _exchanged(plan.route),
    )


def findings(plan: VenuePlan) -> list[Finding]:
    """What is wrong with a plan. Questions that she has answered are not asked again.

    First whether positions can be what they say, then whether shapes are sound, then the rest:
    what comes later makes no sense before.
    """
    shapes = drawn(plan)
    stages: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _misplaced(shapes, asked="mirrored" not in plan.confirm),
        lambda: _unsound(shapes),
        lambda: _far(shapes, asked="far" not in plan.confirm),
        lambda: iter(()) if "overlap" in plan.confirm else _overlapping(plan),
    )
    return next((found for stage in stages if (found := list(stage()))), [])


def findings_of_protected(plan: ProtectedPlan) -> list[Finding]:
    """What is wrong with a protected place. There is no way to insist: it is drawn once."""
    shapes = [Drawn("/geometry", plan.geometry)]
    return [*_misplaced(shapes, asked=True)] or [*_unsound(shapes), *_huge(shapes[0])]


def venue(venue_id: UUID, plan: VenuePlan, version: int) -> Venue:
    """A plan as maps show it, measured."""
    features = [
        Feature(id="venue", geometry=plan.point, properties=VenueProperties(names=plan.names)),
        *(
            Feature(
                id=f"exit:{each.label}",
                geometry=each.point,
                properties=ExitProperties(label=each.label, step_free=each.step_free),
            )
            for each in plan.exits
        ),
        *(
            Feature(
                id=f"zone:{zone.id}",
                geometry=zone.area,
                properties=ZoneProperties(
                    id=zone.id,
                    names=zone.names,
                    area_square_metres=round(measures.area(zone.area)),
                ),
            )
            for zone in plan.zones
        ),
    ]
    if plan.route is not None:
        features.append(Feature(id="route", geometry=plan.route, properties=_measured(plan.route)))
    return Venue(
        id=venue_id,
        version=version,
        names=plan.names,
        place=plan.place,
        bbox=_box([each for one in drawn(plan) for each in measures.positions(one.shape)]),
        features=features,
    )


def protected_nearby(shown: Venue, places: list[ProtectedPlace]) -> list[ProtectedDistance]:
    """Protected places near where people gather or march, the nearest first (article 11)."""
    near = [found for place in places if (found := _nearest(shown, place)) is not None]
    return sorted(near, key=lambda each: (each.metres, each.id))


def verdict(metres: float, geometry_of_place: Geometry) -> Literal["within", "unclear", "beyond"]:
    """Whether a gathering this far from a protected place lies within its 100 m (article 11)."""
    if metres <= LIMIT_METRES:
        return "within"
    undrawn = isinstance(geometry_of_place, Point)
    return "unclear" if undrawn and metres <= LIMIT_METRES + UNDRAWN_METRES else "beyond"


def _nearest(shown: Venue, place: ProtectedPlace) -> ProtectedDistance | None:
    metres, nearest = LOOKED_FOR_METRES + 1.0, None
    for feature in shown.features:
        if not isinstance(feature.properties, ExitProperties):
            apart = measures.distance(feature.geometry, place.geometry, below=metres)
            if apart < metres:
                metres, nearest = apart, feature.id
    if nearest is None:
        return None
    return ProtectedDistance(
        id=place.id,
        names=place.names,
        feature=nearest,
        metres=math.floor(metres),
        limit_metres=LIMIT_METRES,
        verdict=verdict(metres, place.geometry),
        article=ARTICLE,
    )


def _measured(route: LineString) -> RouteProperties:
    metres = measures.length(route)
    dense = measures.MARCHING_PER_SQUARE_METRE
    return RouteProperties(
        length_metres=round(metres),
        walking_minutes=math.ceil(measures.walking_seconds(metres) / 60),
        crowd_minutes=math.ceil(measures.walking_seconds(metres, dense) / 60),
    )


def _box(all_positions: list[Position]) -> list[float]:
    easts, norths = zip(*all_positions, strict=True)
    return [min(easts), min(norths), max(easts), max(norths)]


def _in_korea(position: Position) -> bool:
    west, south, east, north = _KOREA
    return west <= position[0] <= east and south <= position[1] <= north


def _looks_swapped(position: Position) -> bool:
    return not _in_korea(position) and _in_korea((position[1], position[0]))


def _looks_mirrored(position: Position) -> bool:
    return not _in_korea(position) and _in_korea((abs(position[0]), abs(position[1])))


def _exchanged(shape: Shape) -> Shape:
    """The shape with those positions turned round that lie in Korea only then."""

    def turned(line: list[Position]) -> list[Position]:
        return [(p[1], p[0]) if _looks_swapped(p) else p for p in line]

    coordinates: object
    match shape:
        case Point(coordinates=position):
            coordinates = turned([position])[0]
        case LineString(coordinates=line):
            coordinates = turned(line)
        case Polygon(coordinates=rings):
            coordinates = [turned(ring) for ring in rings]
    return msgspec.structs.replace(shape, coordinates=coordinates)


def _misplaced(shapes: list[Drawn], *, asked: bool) -> Iterator[Finding]:
    for each in shapes:
        placed = measures.positions(each.shape)
        if any(map(_looks_swapped, placed)):
            sentence = (
                "Latitude and longitude seem exchanged: the other way round it lies in Korea. "
                "Send longitude first, or confirm `swapped` to have it read that way."
            )
            yield Finding("coordinates-swapped", each.pointer, sentence)
        elif any(abs(position[1]) > POLAR_DEGREES for position in placed):
            sentence = f"A latitude must lie between {-POLAR_DEGREES} and {POLAR_DEGREES} degrees."
            yield Finding("no-such-latitude", each.pointer, sentence)
        elif asked and any(map(_looks_mirrored, placed)):
            sentence = (
                "It lies on the other hemisphere, and in Korea without the minus sign. "
                "Send it without, or confirm `mirrored` if it is meant."
            )
            yield Finding("coordinates-mirrored", each.pointer, sentence)


def _unsound(shapes: list[Drawn]) -> Iterator[Finding]:
    for each in shapes:
        if not isinstance(each.shape, Polygon):
            continue
        if any(geometry.crosses_itself(ring) for ring in geometry.rings(each.shape)):
            sentence = "A ring crosses or touches itself, so nobody knows what lies within."
            yield Finding("ring-crosses-itself", each.pointer, sentence)
        elif geometry.has_loose_hole(each.shape):
            sentence = "A hole must lie within the border and touch neither it nor another hole."
            yield Finding("loose-hole", each.pointer, sentence)


def _far(shapes: list[Drawn], *, asked: bool) -> Iterator[Finding]:
    """Shapes of which some position is too far off, or the nearest far enough to ask."""
    here, *others = shapes
    centre = measures.positions(here.shape)[0]
    for each in others:
        if any(_too_far(centre, position) for position in measures.positions(each.shape)):
            sentence = f"It lies more than {FARTHEST_METRES // 1000} km from the venue."
            yield Finding("too-far", each.pointer, sentence)
        elif asked and measures.distance(each.shape, here.shape) > ASKED_METRES:
            sentence = (
                f"It lies more than {ASKED_METRES // 1000} km from the venue. "
                "Draw it nearer, or confirm `far` if it is meant."
            )
            yield Finding("far-from-venue", each.pointer, sentence)


def _huge(each: Drawn) -> Iterator[Finding]:
    first, *others = measures.positions(each.shape)
    if any(_too_far(first, position) for position in others):
        yield Finding(
            "too-far", each.pointer, f"It is more than {FARTHEST_METRES // 1000} km across."
        )


def _too_far(one: Position, other: Position) -> bool:
    """More than a degree of longitude apart is too far, too: no venue lies across the 180th."""
    widest = FARTHEST_METRES / measures.Chart.around(one).east
    if abs(one[0] - other[0]) > widest:
        return True
    return measures.metres_between(one, other) > FARTHEST_METRES


def _overlapping(plan: VenuePlan) -> Iterator[Finding]:
    numbered = enumerate(zone.area for zone in plan.zones)
    for (_, one), (index, other) in combinations(numbered, 2):
        if geometry.overlap(one, other):
            sentence = (
                "Two zones overlap, and who stands there would count twice. "
                "Draw them apart, or confirm `overlap` if it is meant."
            )
            yield Finding("zones-overlap", f"/zones/{index}/area", sentence)
