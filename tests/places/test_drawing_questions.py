"""What looks like a slip is asked, not assumed; what cannot be is refused."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import MakeOrganiser
from tests.places.drawings import EAST, NORTH, draw, line, plan, point, polygon, ring, square, zone
from tests.support.clock import SetClock

pytestmark = pytest.mark.usefixtures("clock")

BUSAN = (270_000, -260_000)
KNOT = polygon(ring((0, 0), (50, 50), (50, 0), (0, 50)))
SPIKE = polygon(ring((0, 0), (50, 0), (50, 50), (50, 0), (0, 50)))
PINCHED = polygon(ring((0, 0), (20, 20), (40, 0), (40, 40), (20, 20), (0, 40)))
RING = ring((-60, -60), (60, -60), (60, 60), (-60, 60))
LEAVING_HOLE = polygon(RING, ring((50, 0), (90, 0), (90, 30), (50, 30)))
OUTER_HOLE = polygon(RING, ring((80, 0), (90, 0), (90, 30), (80, 30)))
NESTED_HOLES = polygon(
    RING,
    ring((-30, -30), (30, -30), (30, 30), (-30, 30)),
    ring((-9, -9), (9, -9), (9, 9), (-9, 9)),
)
SOUND_HOLE = polygon(RING, ring((-9, -9), (9, -9), (9, 9), (-9, 9)))


@pytest.fixture
async def hers(organiser: MakeOrganiser, clock: SetClock) -> dict[str, str]:
    """What the requests of an organiser carry."""
    return (await organiser("admin")).headers


def exchanged(shape: dict[str, Any]) -> dict[str, Any]:
    """The shape as somebody draws it who says latitude first."""

    def turned(coordinates: Any) -> Any:
        if isinstance(coordinates[0], list):
            return [turned(each) for each in coordinates]
        return coordinates[::-1]

    return {**shape, "coordinates": turned(shape["coordinates"])}


def asked(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, slug, and the pointers that the question names."""
    body = answer.json()
    slug = body["type"].rpartition("/")[2]
    return answer.status_code, slug, [each["pointer"] for each in body["errors"]]


def alone(area: dict[str, Any]) -> dict[str, Any]:
    """A venue with one zone and nothing else."""
    return plan(zones=[zone("stage", area)], exits=[], route=None)


async def test_latitude_before_longitude_is_asked_about(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    drawing = plan(point=exchanged(point()), zones=[zone("a", exchanged(square(0, 0, 50)))])
    answer = await draw(client, hers, drawing)
    assert asked(answer) == (422, "coordinates-swapped", ["/point", "/zones/0/area"])
    assert "37.4979" not in answer.text
    assert "confirm `swapped`" in answer.json()["detail"]


async def test_who_says_that_they_are_exchanged_gets_them_read_that_way(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    right = await draw(client, hers, plan(), venue)
    drawing = plan(
        point=exchanged(point()),
        zones=[
            zone("stage", exchanged(square(-50, -50, 50))),
            zone("crowd", square(0, -50, 50)),
        ],
        route=exchanged(line((0, 0), (0, 300), (200, 300))),
        confirm=["swapped"],
    )
    assert asked(await draw(client, hers, {**drawing, "confirm": ["far"]}, venue))[0] == 422
    told = await draw(client, hers, drawing, venue)
    assert (told.status_code, told.json()) == (200, right.json())


async def test_swapped_is_no_excuse_for_a_position_that_is_nowhere(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    nowhere = {"type": "Point", "coordinates": [10.0, 99.0]}
    answer = await draw(client, hers, plan(point=nowhere, confirm=["swapped"]))
    assert asked(answer) == (422, "no-such-latitude", ["/point"])


@pytest.mark.parametrize("position", [(-EAST, NORTH), (EAST, -NORTH), (-EAST, -NORTH)])
async def test_the_other_hemisphere_is_asked_about(
    client: httpx.AsyncClient, hers: dict[str, str], position: tuple[float, float]
) -> None:
    there = {"type": "Point", "coordinates": list(position)}
    drawing = plan(point=there, exits=[], zones=[], route=None)
    assert asked(await draw(client, hers, drawing)) == (422, "coordinates-mirrored", ["/point"])
    meant = await draw(client, hers, {**drawing, "confirm": ["mirrored"]})
    assert meant.status_code == 201


async def test_a_coalition_elsewhere_is_not_asked(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    berlin = {"type": "Point", "coordinates": [13.3777, 52.5163]}
    answer = await draw(client, hers, plan(point=berlin, exits=[], zones=[], route=None))
    assert answer.status_code == 201


async def test_a_zone_three_kilometres_off_is_asked_about(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    near, far = plan(zones=[zone("b", square(2900, 0, 90))]), square(3100, 0, 90)
    drawing = plan(zones=[zone("a", square(0, 0, 50)), zone("b", far)])
    assert (await draw(client, hers, near)).status_code == 201
    assert asked(await draw(client, hers, drawing)) == (422, "far-from-venue", ["/zones/1/area"])
    meant = await draw(client, hers, {**drawing, "confirm": ["far"]})
    assert meant.status_code == 201


async def test_a_march_may_go_far_when_it_starts_at_the_venue(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    leaving = plan(route=line((0, 0), (6000, 0)))
    elsewhere = plan(route=line((4000, 0), (6000, 0)))
    assert (await draw(client, hers, leaving)).status_code == 201
    assert asked(await draw(client, hers, elsewhere)) == (422, "far-from-venue", ["/route"])


@pytest.mark.parametrize("confirm", [[], ["far"], ["far", "swapped", "mirrored", "overlap"]])
async def test_a_zone_in_another_city_is_no_zone_of_this_venue(
    client: httpx.AsyncClient, hers: dict[str, str], confirm: list[str]
) -> None:
    drawing = plan(zones=[zone("a", square(*BUSAN, 50))], confirm=confirm)
    assert asked(await draw(client, hers, drawing)) == (422, "too-far", ["/zones/0/area"])


async def test_nothing_is_drawn_across_the_edge_of_the_map(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    fiji = {"type": "Point", "coordinates": [179.9999, -16.5]}
    way = {"type": "LineString", "coordinates": [[179.9999, -16.5], [-179.9999, -16.5]]}
    answer = await draw(client, hers, plan(point=fiji, exits=[], zones=[], route=way))
    assert asked(answer) == (422, "too-far", ["/route"])


@pytest.mark.parametrize(
    "other",
    [
        square(25, 25, 50),
        square(10, 10, 10),
        square(-20, -20, 200),
        square(0, 0, 50),
        polygon(ring((-10, 20), (60, 20), (60, 30), (-10, 30))),
        polygon(ring((0, 0), (50, 0), (0, 50))),
    ],
    ids=["corner", "within", "around", "same", "across", "half"],
)
async def test_zones_that_overlap_are_asked_about(
    client: httpx.AsyncClient, hers: dict[str, str], other: dict[str, Any]
) -> None:
    drawing = plan(zones=[zone("a", square(0, 0, 50)), zone("b", other)])
    assert asked(await draw(client, hers, drawing)) == (422, "zones-overlap", ["/zones/1/area"])
    meant = await draw(client, hers, {**drawing, "confirm": ["overlap"]})
    assert meant.status_code == 201


@pytest.mark.parametrize(
    "other",
    [
        square(50, 0, 50),
        square(50, 50, 50),
        square(50, 10, 20),
        polygon(ring((50, 25), (90, 0), (90, 50))),
    ],
    ids=["side", "corner", "part of a side", "a tip"],
)
async def test_zones_may_share_a_border(
    client: httpx.AsyncClient, hers: dict[str, str], other: dict[str, Any]
) -> None:
    drawing = plan(zones=[zone("a", square(0, 0, 50)), zone("b", other)])
    assert (await draw(client, hers, drawing)).status_code == 201


async def test_a_stage_in_the_hole_of_a_crowd_does_not_overlap_it(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    drawing = plan(zones=[zone("crowd", SOUND_HOLE), zone("stage", square(-9, -9, 18))])
    shown = await draw(client, hers, drawing)
    assert shown.status_code == 201, shown.text
    crowd = next(each for each in shown.json()["venue"]["features"] if each["id"] == "zone:crowd")
    area = crowd["properties"]["areaSquareMetres"]
    assert area == pytest.approx(120 * 120 - 18 * 18, rel=0.01)


@pytest.mark.parametrize("area", [KNOT, SPIKE, PINCHED], ids=["knot", "spike", "pinched"])
async def test_a_ring_that_crosses_itself_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str], area: dict[str, Any]
) -> None:
    for confirm in ([], ["overlap", "far"]):
        answer = await draw(client, hers, {**alone(area), "confirm": confirm})
        assert asked(answer) == (422, "ring-crosses-itself", ["/zones/0/area"])


@pytest.mark.parametrize(
    "area", [LEAVING_HOLE, OUTER_HOLE, NESTED_HOLES], ids=["leaving", "outside", "nested"]
)
async def test_a_hole_that_is_none_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str], area: dict[str, Any]
) -> None:
    answer = await draw(client, hers, alone(area))
    assert asked(answer) == (422, "loose-hole", ["/zones/0/area"])


async def test_a_confirmation_of_nothing_that_is_asked_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    answer = await draw(client, hers, plan(confirm=["everything"]))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-body")
