"""Distances, lengths and areas, held against counting small steps on the ellipsoid."""

import math
from itertools import pairwise

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from backend.places import measures
from schemas.geojson import Geometry, LineString, Point, Polygon, Position

EAST, NORTH = 127.0276, 37.4979
STEP_METRES = 4.0

spots = st.tuples(st.integers(-1500, 1500), st.integers(-1500, 1500))
latitudes = st.sampled_from([NORTH, -33.9, 0.0, 64.1])


def off(spot: tuple[int, int], north: float = NORTH) -> Position:
    """A position so many metres east and north of Exit 10, or of its like on another latitude."""
    up = Geodesic.WGS84.Direct(north, EAST, 0, spot[1])["lat2"]
    return Geodesic.WGS84.Direct(up, EAST, 90, spot[0])["lon2"], up


def in_space(position: Position) -> tuple[float, float, float]:
    """Metres from the middle of the Earth."""
    longitude, latitude = map(math.radians, position)
    e2 = Geodesic.WGS84.f * (2 - Geodesic.WGS84.f)
    n = Geodesic.WGS84.a / math.sqrt(1 - e2 * math.sin(latitude) ** 2)
    across = n * math.cos(latitude)
    return (
        across * math.cos(longitude),
        across * math.sin(longitude),
        n * (1 - e2) * math.sin(latitude),
    )


def steps(shape: Geometry) -> list[tuple[float, float, float]]:
    """Spots along what a shape is drawn with, at most `STEP_METRES` apart."""
    if isinstance(shape, Point):
        return [in_space(shape.coordinates)]
    lines = shape.coordinates if isinstance(shape, Polygon) else [shape.coordinates]
    found: list[tuple[float, float, float]] = []
    for line in lines:
        for a, b in pairwise(line):
            count = max(1, math.ceil(math.dist(in_space(a), in_space(b)) / STEP_METRES))
            found += [
                in_space((a[0] + (b[0] - a[0]) * i / count, a[1] + (b[1] - a[1]) * i / count))
                for i in range(count + 1)
            ]
    return found


def counted(one: Geometry, other: Geometry) -> float:
    """The least distance between any two steps."""
    theirs = steps(other)
    return min(math.dist(spot, their) for spot in steps(one) for their in theirs)


def line(*corners: Position) -> LineString:
    return LineString(coordinates=list(corners))


@given(spots, spots, spots, latitudes)
@budget(max_examples=200, deadline=None)
def test_the_distance_from_a_route_to_a_point_is_what_small_steps_tell(
    a: tuple[int, int], b: tuple[int, int], place: tuple[int, int], north: float
) -> None:
    assume(a != b)
    route = line(off(a, north), off(b, north))
    court = Point(coordinates=off(place, north))
    found, slow = measures.distance(route, court), counted(route, court)
    assert slow - STEP_METRES <= found <= slow + 0.01 + slow * 1e-5
    assert measures.distance(court, route) == pytest.approx(found, abs=0.01, rel=1e-5)


@given(spots, spots, spots, spots)
@budget(max_examples=60, deadline=None)
def test_the_distance_between_two_routes_is_what_small_steps_tell(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]
) -> None:
    assume(a != b and c != d)
    one, other = line(off(a), off(b)), line(off(c), off(d))
    found, slow = measures.distance(one, other), counted(one, other)
    assert slow - 2 * STEP_METRES <= found <= slow + 0.01 + slow * 1e-5


@pytest.mark.parametrize("metres", [99.9, 100.1])
@pytest.mark.parametrize("direction", range(0, 360, 15))
def test_a_hundred_metres_are_a_hundred_metres_in_every_direction(
    metres: float, direction: int
) -> None:
    there = Geodesic.WGS84.Direct(NORTH, EAST, direction, metres)
    court = Point(coordinates=(there["lon2"], there["lat2"]))
    found = measures.distance(Point(coordinates=(EAST, NORTH)), court)
    assert found == pytest.approx(metres, abs=0.02)
    assert (found <= 100) is (metres <= 100)


def test_the_middle_of_a_long_side_counts() -> None:
    route = line(off((-1400, 60)), off((1400, 60)))
    assert measures.distance(route, Point(coordinates=off((0, 0)))) == pytest.approx(60, abs=0.5)


def test_what_lies_within_is_no_way_off() -> None:
    grounds = Polygon(
        coordinates=[[off(each) for each in ((0, 0), (90, 0), (90, 90), (0, 90), (0, 0))]]
    )
    assert measures.distance(Point(coordinates=off((45, 45))), grounds) == 0
    assert measures.distance(line(off((-50, 45)), off((140, 45))), grounds) == 0
    assert measures.distance(grounds, grounds) == 0


@given(st.integers(20, 1500), st.integers(20, 1500), latitudes)
@budget(max_examples=60, deadline=None)
def test_the_area_of_a_zone_is_width_by_height(width: int, height: int, north: float) -> None:
    ring = [off(each, north) for each in ((0, 0), (width, 0), (width, height), (0, height))]
    area = measures.area(Polygon(coordinates=[[*ring, ring[0]]]))
    backwards = measures.area(Polygon(coordinates=[[ring[0], *ring[::-1]]]))
    assert area == pytest.approx(width * height, rel=0.002)
    assert area == backwards


@given(st.lists(spots, min_size=2, max_size=8))
@budget(max_examples=60, deadline=None)
def test_a_route_is_as_long_as_its_steps(corners: list[tuple[int, int]]) -> None:
    assume(all(one != other for one, other in pairwise(corners)))
    route = line(*map(off, corners))
    walked = sum(
        math.dist(in_space(one), in_space(other)) for one, other in pairwise(route.coordinates)
    )
    assert measures.length(route) == pytest.approx(walked, rel=1e-6)
    assert measures.length(line(*route.coordinates[::-1])) == pytest.approx(walked, rel=1e-6)


@given(st.floats(0.3, 5.3), st.floats(0.3, 5.3))
def test_the_denser_the_crowd_the_slower_it_walks(one: float, other: float) -> None:
    thin, thick = sorted((one, other))
    assert measures.speed(0) >= measures.speed(thin) >= measures.speed(thick) > 0


def test_a_march_walks_at_less_than_half_the_speed_of_who_walks_alone() -> None:
    assert measures.walking_seconds(1340) == pytest.approx(1000)
    assert measures.speed(measures.MARCHING_PER_SQUARE_METRE) == pytest.approx(0.61, abs=0.01)
