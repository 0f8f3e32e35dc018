"""Organisers are told when a gathering comes within 100 metres of a place that the law protects."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import MakeOrganiser
from tests.places.drawings import draw, line, plan, point, square, zone
from tests.support.clock import SetClock

pytestmark = pytest.mark.usefixtures("clock")

ASSEMBLY = UUID("51de91ad-5b7b-5cc0-b629-08b6d602b337")
EAST, NORTH = 126.914, 37.5319
ASSEMBLY_POINT = {"type": "Point", "coordinates": [EAST, NORTH]}
COURT = {"ko": "법원", "en": "A court"}


@pytest.fixture
async def hers(organiser: MakeOrganiser, clock: SetClock) -> dict[str, str]:
    """What the requests of an organiser carry."""
    return (await organiser("admin")).headers


async def protect(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    geometry: dict[str, Any],
    place: UUID,
    *,
    if_match: str | None = None,
) -> httpx.Response:
    """PUT a protected place."""
    condition = {} if if_match is None else {"If-Match": if_match}
    return await client.put(
        f"/v1/protected-places/{place}",
        json={"names": COURT, "geometry": geometry},
        headers=headers | condition,
    )


def near(answer: httpx.Response, place: UUID) -> dict[str, Any] | None:
    """What a review tells of a protected place."""
    told = answer.json()["protectedPlaces"]
    return next((each for each in told if each["id"] == str(place)), None)


async def test_a_route_along_a_court_is_warned_of(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    court = uuid4()
    assert (await protect(client, hers, square(90, 100, 60), court)).status_code == 201
    drawing = plan(zones=[], exits=[])
    answer = await draw(client, hers, drawing)
    told = near(answer, court)
    assert told is not None
    assert (told["feature"], told["verdict"], told["limitMetres"]) == ("route", "within", 100)
    assert told["metres"] == pytest.approx(90, abs=2)
    assert "article 11" in told["article"]
    venue = answer.json()["venue"]["id"]
    assert (await client.get(f"/v1/venues/{venue}/review", headers=hers)).json() == answer.json()


@pytest.mark.parametrize(
    ("drawing", "feature", "metres", "verdict"),
    [
        (plan(zones=[zone("a", square(-200, 200, 50))]), "zone:a", 0, "within"),
        (plan(zones=[zone("a", square(-210, 210, 5))]), "zone:a", 0, "within"),
        (plan(zones=[zone("a", square(-500, -100, 700))]), "zone:a", 0, "within"),
        (plan(zones=[], route=line((-300, 215), (0, 215))), "route", 0, "within"),
        (plan(zones=[], route=line((-300, 315), (0, 315))), "route", 95, "within"),
        (plan(zones=[], route=line((-300, 325), (0, 325))), "route", 105, "beyond"),
        (plan(zones=[], route=None), "venue", 268, "beyond"),
    ],
    ids=["touching", "inside", "around", "through", "95 m", "105 m", "venue"],
)
async def test_the_nearest_of_what_is_drawn_counts(
    client: httpx.AsyncClient,
    hers: dict[str, str],
    drawing: dict[str, Any],
    feature: str,
    metres: int,
    verdict: str,
) -> None:
    court = uuid4()
    await protect(client, hers, square(-220, 190, 30), court)
    told = near(await draw(client, hers, drawing | {"exits": []}), court)
    assert told is not None
    assert (told["feature"], told["verdict"]) == (feature, verdict)
    assert told["metres"] == pytest.approx(metres, abs=3)


async def test_an_exit_is_no_gathering(client: httpx.AsyncClient, hers: dict[str, str]) -> None:
    court = uuid4()
    await protect(client, hers, point(-1000, 0), court)
    exits = [{"label": "1", "point": point(-990, 0), "stepFree": True}]
    told = near(await draw(client, hers, plan(exits=exits, zones=[], route=None)), court)
    assert told is not None
    assert (told["feature"], told["verdict"]) == ("venue", "beyond")


@pytest.mark.parametrize(
    ("north_metres", "verdict"),
    [(95, "within"), (105, "unclear"), (590, "unclear"), (620, "beyond")],
)
async def test_a_place_known_by_a_point_leaves_it_open_where_its_border_runs(
    client: httpx.AsyncClient, hers: dict[str, str], north_metres: int, verdict: str
) -> None:
    there = {"type": "Point", "coordinates": [EAST, NORTH + north_metres / 110_980]}
    drawing = plan(point=there, place="national-assembly", exits=[], zones=[], route=None)
    told = near(await draw(client, hers, drawing), ASSEMBLY)
    assert told is not None
    assert told["verdict"] == verdict
    assert told["names"]["ko"] == "국회의사당"


async def test_what_is_two_kilometres_off_is_not_told(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    assert near(await draw(client, hers, plan()), ASSEMBLY) is None


async def test_the_assembly_ships_and_nothing_that_nobody_vouched_for(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    place = await client.get(f"/v1/protected-places/{ASSEMBLY}", headers=hers)
    assert place.json() == {
        "id": str(ASSEMBLY),
        "names": {"ko": "국회의사당", "en": "National Assembly"},
        "geometry": ASSEMBLY_POINT,
        "version": 0,
    }
    listed = (await client.get("/v1/protected-places", headers=hers)).json()["items"]
    assert [each["id"] for each in listed if each["version"] == 0] == [str(ASSEMBLY)]


async def test_who_knows_the_border_draws_it_and_takes_it_back(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    path = f"/v1/protected-places/{ASSEMBLY}"
    border = [[EAST, NORTH], [EAST + 0.002, NORTH], [EAST + 0.002, NORTH + 0.002], [EAST, NORTH]]
    grounds = {"type": "Polygon", "coordinates": [border]}
    assert (await protect(client, hers, grounds, ASSEMBLY)).status_code == 428
    tag = (await client.get(path, headers=hers)).headers["etag"]
    drawn = await protect(client, hers, grounds, ASSEMBLY, if_match=tag)
    assert (drawn.status_code, drawn.json()["version"]) == (200, 1)
    assert (await protect(client, hers, grounds, ASSEMBLY)).content == drawn.content
    assert (await client.delete(path, headers=hers)).status_code == 428
    condition = {"If-Match": drawn.headers["etag"]}
    assert (await client.delete(path, headers=hers | condition)).status_code == 204
    assert (await client.get(path, headers=hers)).headers["etag"] == tag
    assert (await client.delete(path, headers=hers)).status_code == 204, "it stays as it shipped"


async def test_a_court_is_added_changed_and_removed(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    court = uuid4()
    path = f"/v1/protected-places/{court}"
    added = await protect(client, hers, point(), court)
    assert (added.status_code, added.json()["version"]) == (201, 1)
    assert (await protect(client, hers, point(), court)).status_code == 200
    assert (await protect(client, hers, square(0, 0, 9), court)).status_code == 428
    tag = {"if_match": added.headers["etag"]}
    changed = await protect(client, hers, square(0, 0, 9), court, **tag)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await protect(client, hers, point(), court, **tag)).status_code == 412
    assert (await protect(client, hers, point(), uuid4(), **tag)).status_code == 412
    gone = hers | {"If-Match": changed.headers["etag"]}
    assert (await client.delete(path, headers=gone)).status_code == 204
    assert (await client.get(path, headers=hers)).status_code == 404


@pytest.mark.parametrize(
    ("geometry", "slug"),
    [
        ({"type": "Point", "coordinates": [37.5, 127.0]}, "coordinates-swapped"),
        ({"type": "Point", "coordinates": [-127.0, 37.5]}, "coordinates-mirrored"),
        ({"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [2, 1], [1, 2], [1, 1]]]}, "ring-"),
        ({"type": "Polygon", "coordinates": [[[1, 1], [3, 1], [3, 3], [1, 1]]]}, "too-far"),
    ],
)
async def test_a_court_that_is_drawn_wrongly_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str], geometry: dict[str, Any], slug: str
) -> None:
    answer = await protect(client, hers, geometry, uuid4())
    assert answer.status_code == 422
    assert answer.json()["type"].startswith(f"/problems/{slug}")
    assert answer.json()["errors"][0]["pointer"] == "/geometry"


async def test_only_organisers_see_and_draw_what_is_protected(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/protected-places")).status_code == 401
    assert (await client.get(f"/v1/protected-places/{ASSEMBLY}")).status_code == 401
    assert (await protect(client, {}, point(), uuid4())).status_code == 401


async def test_a_court_that_arrives_five_times_at_once_is_one_court(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    court = uuid4()
    answers = await asyncio.gather(
        *(protect(client, hers, square(0, 0, 9), court) for _ in range(5))
    )
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.content for each in answers}) == 1
