"""Lengths, areas and distances of drawn shapes, in metres on the WGS 84 ellipsoid. Pure.

Distances are found on a flat chart around the smaller thing and then measured on the geodesic
between the two nearest positions. The chart is true to a centimetre in 100 metres.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from geographiclib.geodesic import Geodesic
from geographiclib.polygonarea import PolygonArea
from geopy.distance import geodesic

from schemas.geojson import Geometry, LineString, Point, Polygon, Position

FREE_METRES_PER_SECOND = 1.34
"""Mean speed of people who walk alone. An assumption: Weidmann, Transporttechnik der Fussgänger
(ETH Zürich, 1993)."""

JAM_PER_SQUARE_METRE = 5.4
CURVE_PER_SQUARE_METRE = 1.913
"""Where nobody moves, and how fast it comes to that, by Weidmann's curve of speed over density."""

MARCHING_PER_SQUARE_METRE = 2.0
"""How dense a march is taken to be."""

_A, _F = Geodesic.WGS84.a, Geodesic.WGS84.f
_E2 = _F * (2 - _F)

Flat = tuple[float, float]


class Side(NamedTuple):
    """A line of a shape on the chart; both ends are the same for a point."""

    a: Flat
    b: Flat


class Chart(NamedTuple):
    """Metres east and north of a position."""

    origin: Position
    east: float
    north: float

    @classmethod
    def around(cls, origin: Position) -> "Chart":
        """A chart whose scale is true at the latitude of `origin`."""
        latitude = math.radians(origin[1])
        w = math.sqrt(1 - _E2 * math.sin(latitude) ** 2)
        east = math.radians(_A / w * math.cos(latitude))
        north = math.radians(_A * (1 - _E2) / w**3)
        return cls(origin, east, north)

    def flat(self, position: Position) -> Flat:
        """A position in metres."""
        return (
            (position[0] - self.origin[0]) * self.east,
            (position[1] - self.origin[1]) * self.north,
        )

    def round(self, flat: Flat) -> Position:
        """The position of a spot on the chart."""
        return self.origin[0] + flat[0] / self.east, self.origin[1] + flat[1] / self.north


def metres_between(one: Position, other: Position) -> float:
    """Length of the geodesic between two positions."""
    return geodesic(one[::-1], other[::-1]).meters


def length(line: LineString) -> float:
    """Length of a line along the geodesics between its positions, in metres."""
    return geodesic(*(position[::-1] for position in line.coordinates)).meters


def area(polygon: Polygon) -> float:
    """Area within the border less that of the holes, in square metres."""
    border, *holes = (_ring_area(ring) for ring in polygon.coordinates)
    return border - sum(holes)


def walking_seconds(metres: float, people_per_square_metre: float = 0.0) -> float:
    """How long the way takes on the level, without stops (Weidmann, 1993).

    Args:
        people_per_square_metre: 0 for someone alone; below `JAM_PER_SQUARE_METRE`.
    """
    return metres / speed(people_per_square_metre)


def speed(people_per_square_metre: float) -> float:
    """Metres per second in a crowd of this density, by Weidmann's curve."""
    if people_per_square_metre == 0:
        return FREE_METRES_PER_SECOND
    room = 1 / people_per_square_metre - 1 / JAM_PER_SQUARE_METRE
    return FREE_METRES_PER_SECOND * (1 - math.exp(-CURVE_PER_SQUARE_METRE * room))


def distance(shape: Geometry, other: Geometry, below: float = math.inf) -> float:
    """Metres between the nearest positions of two shapes; 0 when they meet or one lies in one.

    Infinite when it is not less than `below`, which is told sooner.
    """
    chart = Chart.around(_any_position(other))
    sides, others = _sides(shape, chart), _sides(other, chart)
    if _lies_in(others[0].a, shape, chart) or _lies_in(sides[0].a, other, chart):
        return 0.0
    best, nearest = below, None
    box = _box(others)
    for gap, side in sorted((_gap(side, box), side) for side in sides):
        if gap >= best:
            break
        for their_side in others:
            if _gap(side, their_side) < best:
                if _cross(side, their_side):
                    return 0.0
                for mine, theirs in _candidates(side, their_side):
                    if (apart := math.dist(mine, theirs)) < best:
                        best, nearest = apart, (mine, theirs)
    if nearest is None:
        return math.inf
    return metres_between(chart.round(nearest[0]), chart.round(nearest[1]))


def positions(shape: Geometry) -> list[Position]:
    """Every position that a shape is drawn with."""
    match shape:
        case Point(coordinates=position):
            return [position]
        case LineString(coordinates=line):
            return line
        case Polygon(coordinates=drawn):
            return [position for ring in drawn for position in ring]


def _any_position(shape: Geometry) -> Position:
    return positions(shape)[0]


def _ring_area(ring: Sequence[Position]) -> float:
    polygon = PolygonArea(Geodesic.WGS84)
    for east, north in ring[:-1]:
        polygon.AddPoint(north, east)
    return abs(float(polygon.Compute()[2]))


def _sides(shape: Geometry, chart: Chart) -> list[Side]:
    if isinstance(shape, Point):
        spot = chart.flat(shape.coordinates)
        return [Side(spot, spot)]
    lines = [shape.coordinates] if isinstance(shape, LineString) else shape.coordinates
    return [
        Side(a, b)
        for line in lines
        for flat in [[chart.flat(position) for position in line]]
        for a, b in pairwise(flat)
    ]


def _lies_in(spot: Flat, shape: Geometry, chart: Chart) -> bool:
    """Whether a spot lies in an area (even-odd rule); what has no area holds nothing."""
    if not isinstance(shape, Polygon):
        return False
    x, y = spot
    within = False
    for (x1, y1), (x2, y2) in _sides(shape, chart):
        if (y1 > y) != (y2 > y):
            within ^= x < x1 + (x2 - x1) * (y - y1) / (y2 - y1)
    return within


def _box(sides: list[Side]) -> Side:
    """Two corners between which all sides lie."""
    easts, norths = zip(*(spot for side in sides for spot in side), strict=True)
    return Side((min(easts), min(norths)), (max(easts), max(norths)))


def _gap(one: Side, other: Side) -> float:
    """Metres between the boxes of two sides: they cannot be nearer than that."""
    (x1, y1), (x2, y2) = one
    (x3, y3), (x4, y4) = other
    across = max(min(x1, x2) - max(x3, x4), min(x3, x4) - max(x1, x2), 0.0)
    along = max(min(y1, y2) - max(y3, y4), min(y3, y4) - max(y1, y2), 0.0)
    return math.hypot(across, along)


def _cross(one: Side, other: Side) -> bool:
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Flat, b: Flat, c: Flat) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _candidates(one: Side, other: Side) -> Iterator[tuple[Flat, Flat]]:
    """Pairs of spots of which one is the nearest, for sides that do not cross."""
    for spot in one:
        yield spot, _foot(spot, other)
    for spot in other:
        yield _foot(spot, one), spot


def _foot(spot: Flat, side: Side) -> Flat:
    """The spot of a side that is nearest to `spot`."""
    (x1, y1), (x2, y2) = side
    across, along = x2 - x1, y2 - y1
    squared = across**2 + along**2
    if squared == 0:
        return side.a
    share = ((spot[0] - x1) * across + (spot[1] - y1) * along) / squared
    share = min(max(share, 0.0), 1.0)
    return x1 + share * across, y1 + share * along
