"""Which lines cross and which areas overlap, exactly: in whole numbers, never rounded.

A segment is the straight line between two positions in degrees (RFC 7946 section 3.1.1). Knows no
metres; see `measures`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from schemas.geojson import DECIMALS, Polygon, Position

Dot = tuple[int, int]
Segment = tuple[Dot, Dot]

_UNITS = 2 * 10**DECIMALS
"""In a degree. Twice the finest step of a position, so that the middle of two is whole as well."""


def dots(line: Sequence[Position]) -> list[Dot]:
    """Positions in whole units."""
    return [(round(east * _UNITS), round(north * _UNITS)) for east, north in line]


def segments(line: Sequence[Dot]) -> list[Segment]:
    """The lines between neighbours."""
    return list(pairwise(line))


def rings(area: Polygon) -> list[list[Dot]]:
    """The border and the holes of an area."""
    return [dots(ring) for ring in area.coordinates]


def crosses_itself(ring: Sequence[Dot]) -> bool:
    """Whether a closed ring meets itself anywhere but where neighbours join."""
    edges = segments(ring)
    last = len(edges) - 1
    numbers = {edge: number for number, edge in enumerate(edges)}
    if len(numbers) < len(edges):
        return True
    for one, other in _near(edges, edges):
        first, second = sorted((numbers[one], numbers[other]))
        if first == second:
            continue
        if second - first == 1 or (first, second) == (0, last):
            if _folds_back(edges[first], edges[second]):
                return True
        elif touch(one, other):
            return True
    return False


def has_loose_hole(area: Polygon) -> bool:
    """Whether a hole touches a ring, lies outside the border or within another hole."""
    border, *holes = rings(area)
    for number, hole in enumerate(holes):
        if _rings_touch(border, hole) or not inside(hole[0], [border]):
            return True
        for other in holes[:number]:
            if _rings_touch(hole, other) or inside(hole[0], [other]) or inside(other[0], [hole]):
                return True
    return False


def overlap(one: Polygon, other: Polygon) -> bool:
    """Whether two sound areas share more than a border."""
    first, second = rings(one), rings(other)
    if not _boxes_meet(first[0], second[0]):
        return False
    edges = [edge for ring in first for edge in segments(ring)]
    others = [edge for ring in second for edge in segments(ring)]
    if any(_cross(one_edge, other_edge) for one_edge, other_edge in _near(edges, others)):
        return True
    pieces, other_pieces = _middles(edges, second), _middles(others, first)
    if any(inside(each, first) for each in other_pieces):
        return True
    if any(inside(each, second) for each in pieces):
        return True
    return all(on_border(each, second) for each in pieces) and all(
        on_border(each, first) for each in other_pieces
    )


def inside(dot: Dot, area: Sequence[Sequence[Dot]]) -> bool:
    """Whether a dot lies in an area of rings, and not on a border (even-odd rule)."""
    if on_border(dot, area):
        return False
    x, y = dot
    within = False
    for ring in area:
        for (x1, y1), (x2, y2) in segments(ring):
            if (y1 > y) != (y2 > y):
                side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
                within ^= (side > 0) == (y2 > y1)
    return within


def on_border(dot: Dot, area: Sequence[Sequence[Dot]]) -> bool:
    """Whether a dot lies on a ring of an area."""
    return any(_on(dot, edge) for ring in area for edge in segments(ring))


def touch(one: Segment, other: Segment) -> bool:
    """Whether two segments share a dot."""
    return (
        _cross(one, other)
        or any(_on(dot, other) for dot in one)
        or any(_on(dot, one) for dot in other)
    )


def _turn(a: Dot, b: Dot, c: Dot) -> int:
    """Above 0 when the way a, b, c turns left, below when right, 0 when it goes straight."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _on(dot: Dot, edge: Segment) -> bool:
    (x1, y1), (x2, y2) = edge
    return (
        min(x1, x2) <= dot[0] <= max(x1, x2)
        and min(y1, y2) <= dot[1] <= max(y1, y2)
        and _turn(edge[0], edge[1], dot) == 0
    )


def _cross(one: Segment, other: Segment) -> bool:
    """Whether each segment has the other's ends on both of its sides."""
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _folds_back(one: Segment, following: Segment) -> bool:
    """Whether neighbours that join at one dot run over each other."""
    shared = next(dot for dot in one if dot in following)
    a = one[0] if one[1] == shared else one[1]
    b = following[0] if following[1] == shared else following[1]
    return _on(a, following) or _on(b, one)


def _rings_touch(one: Sequence[Dot], other: Sequence[Dot]) -> bool:
    return any(touch(*pair) for pair in _near(segments(one), segments(other)))


def _near(edges: Sequence[Segment], others: Sequence[Segment]) -> Iterator[tuple[Segment, Segment]]:
    """The pairs whose boxes share a dot: only those can touch."""
    waiting = sorted(others, key=lambda edge: min(edge[0][0], edge[1][0]))
    for edge in edges:
        (x1, y1), (x2, y2) = edge
        west, east = min(x1, x2), max(x1, x2)
        south, north = min(y1, y2), max(y1, y2)
        for other in waiting:
            (x3, y3), (x4, y4) = other
            if min(x3, x4) > east:
                break
            if max(x3, x4) >= west and min(y3, y4) <= north and max(y3, y4) >= south:
                yield edge, other


def _boxes_meet(one: Sequence[Dot], other: Sequence[Dot]) -> bool:
    return all(
        max(min(first), min(second)) <= min(max(first), max(second))
        for first, second in zip(zip(*one, strict=True), zip(*other, strict=True), strict=True)
    )


def _middles(edges: Sequence[Segment], area: Sequence[Sequence[Dot]]) -> list[Dot]:
    """The middle of each piece of `edges`, cut where `area` touches them.

    `area` crosses no edge, so what touches one is a corner of the one or of the other.
    """
    corners = [dot for ring in area for dot in ring]
    middles: list[Dot] = []
    for edge in edges:
        cuts = sorted({*edge, *(dot for dot in corners if _on(dot, edge))})
        middles += [((a[0] + b[0]) // 2, (a[1] + b[1]) // 2) for a, b in segments(cuts)]
    return middles
