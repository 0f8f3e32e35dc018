"""Crossing and overlap, held against a slower way to find out: in fractions, strip by strip."""

import math
from fractions import Fraction
from itertools import combinations, pairwise

from hypothesis import assume, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from backend.places import geometry
from schemas.geojson import Polygon, Position

EAST, NORTH = 127.0276, 37.4979
GRID = 0.0001
"""About ten metres: coarse, so that corners meet, sides run along each other, and rings touch."""

Corner = tuple[int, int]
Side = tuple[Corner, Corner]

corners = st.tuples(st.integers(0, 6), st.integers(0, 6))
scribbles = st.lists(corners, min_size=3, max_size=7)


def on_grid(corner: Corner) -> Position:
    return round(EAST + corner[0] * GRID, 7), round(NORTH + corner[1] * GRID, 7)


def sides(ring: list[Corner]) -> list[Side]:
    return list(pairwise((*ring, ring[0])))


def dots(ring: list[Corner]) -> list[geometry.Dot]:
    """The closed ring as the house sees it."""
    return geometry.dots([on_grid(corner) for corner in (*ring, ring[0])])


def shared(one: Side, other: Side) -> tuple[Fraction, Fraction] | None:
    """The stretch of `one`, from 0 to 1, that it has in common with `other`."""
    (x, y), (x2, y2) = one
    (u, v), (u2, v2) = other
    rx, ry, sx, sy = x2 - x, y2 - y, u2 - u, v2 - v
    slope = rx * sy - ry * sx
    if slope:
        along = Fraction((u - x) * sy - (v - y) * sx, slope)
        theirs = Fraction((u - x) * ry - (v - y) * rx, slope)
        return (along, along) if 0 <= along <= 1 and 0 <= theirs <= 1 else None
    if (u - x) * ry != (v - y) * rx:
        return None
    ends = sorted(
        Fraction((a - x) * rx + (b - y) * ry, rx**2 + ry**2) for a, b in ((u, v), (u2, v2))
    )
    stretch = max(ends[0], Fraction(0)), min(ends[1], Fraction(1))
    return stretch if stretch[0] <= stretch[1] else None


def is_sound(ring: list[Corner]) -> bool:
    """Whether sides meet only where neighbours join, and there in one dot."""
    drawn = sides(ring)
    for one, other in combinations(range(len(drawn)), 2):
        stretch = shared(drawn[one], drawn[other])
        neighbours = other - one == 1 or (one, other) == (0, len(drawn) - 1)
        if stretch is not None and (not neighbours or stretch[0] != stretch[1]):
            return False
    return True


def held_in_common(one: list[Corner], other: list[Corner]) -> bool:
    """Whether some upright strip, cut at every corner and crossing, has ground of both."""
    every = sides(one) + sides(other)
    cuts = {Fraction(x) for side in every for x, _ in side}
    for a, b in combinations(every, 2):
        if (stretch := shared(a, b)) is not None:
            cuts |= {a[0][0] + part * (a[1][0] - a[0][0]) for part in stretch}
    return any(
        low < high
        for west, east in pairwise(sorted(cuts))
        for first in ground(one, (west + east) / 2)
        for second in ground(other, (west + east) / 2)
        for low, high in [(max(first[0], second[0]), min(first[1], second[1]))]
    )


def ground(ring: list[Corner], x: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The stretches of an upright line that lie within a ring."""
    heights = sorted(
        a[1] + (x - a[0]) * Fraction(b[1] - a[1], b[0] - a[0])
        for a, b in sides(ring)
        if min(a[0], b[0]) < x < max(a[0], b[0])
    )
    return list(zip(heights[::2], heights[1::2], strict=True))


def around(scribble: list[Corner]) -> list[Corner]:
    """The corners in the order in which a hand goes round them: often a sound ring."""
    met = set(scribble)
    x = sum(east for east, _ in met) / len(met) + 0.0137
    y = sum(north for _, north in met) / len(met) + 0.0071
    return sorted(met, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))


def polygon(ring: list[Corner]) -> Polygon:
    return Polygon(coordinates=[[on_grid(corner) for corner in (*ring, ring[0])]])


sound_rings = scribbles.map(around).filter(lambda ring: len(ring) > 2 and is_sound(ring))


@given(scribbles)
@budget(max_examples=500, deadline=None)
def test_a_ring_crosses_itself_when_its_sides_meet_elsewhere_than_at_joints(
    ring: list[Corner],
) -> None:
    assume(all(one != other for one, other in sides(ring)))
    assert geometry.crosses_itself(dots(ring)) is not is_sound(ring)


@given(sound_rings)
@budget(max_examples=200, deadline=None)
def test_no_ring_crosses_itself_for_where_it_begins_or_which_way_it_runs(
    ring: list[Corner],
) -> None:
    for turned in (ring, ring[::-1], ring[1:] + ring[:1]):
        assert not geometry.crosses_itself(dots(turned))


@given(sound_rings, sound_rings)
@budget(max_examples=500, deadline=None)
def test_zones_overlap_when_they_have_ground_in_common(
    one: list[Corner], other: list[Corner]
) -> None:
    found = geometry.overlap(polygon(one), polygon(other))
    assert found is held_in_common(one, other)
    assert found is geometry.overlap(polygon(other), polygon(one))


@given(sound_rings)
@budget(max_examples=100, deadline=None)
def test_a_zone_overlaps_itself_and_not_what_lies_beside_it(ring: list[Corner]) -> None:
    beside = [(east + 7, north) for east, north in ring]
    assert geometry.overlap(polygon(ring), polygon(ring))
    assert not geometry.overlap(polygon(ring), polygon(beside))
