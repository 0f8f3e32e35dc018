"""Organisers draw a venue, everybody sees it on the map, and nobody overwrites another."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import MakeOrganiser
from tests.places.drawings import NAMES, at, draw, line, plan, point, ring, square, zone
from tests.support.clock import SetClock

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
async def hers(organiser: MakeOrganiser, clock: SetClock) -> dict[str, str]:
    """What the requests of an organiser carry."""
    return (await organiser("organiser")).headers


def feature(venue: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in venue["features"] if each["id"] == name)


async def test_everybody_sees_on_the_map_what_an_organiser_drew(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    drawn = await draw(client, hers, plan(), venue)
    assert drawn.status_code == 201, drawn.text
    seen = await client.get(f"/v1/venues/{venue}")
    assert seen.headers["content-type"] == "application/geo+json"
    assert seen.headers["cache-control"].startswith("public, max-age=30")
    assert (seen.json(), seen.headers["etag"]) == (drawn.json()["venue"], drawn.headers["etag"])
    shown = seen.json()
    assert (shown["type"], shown["id"], shown["version"]) == ("FeatureCollection", str(venue), 1)
    assert [each["id"] for each in shown["features"]] == [
        "venue",
        "exit:10",
        "exit:11",
        "zone:stage",
        "zone:crowd",
        "route",
    ]
    assert {each["type"] for each in shown["features"]} == {"Feature"}
    assert feature(shown, "exit:11")["properties"] == {
        "kind": "exit",
        "label": "11",
        "stepFree": True,
    }
    assert feature(shown, "venue")["properties"] == {"kind": "venue", "names": NAMES}
    west, south, east, north = shown["bbox"]
    assert (west, south) == tuple(at(-50, -50))
    assert (east, north) == tuple(at(200, 300))


async def test_a_zone_tells_its_area_and_a_route_how_long_it_takes(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    shown = (await draw(client, hers, plan())).json()["venue"]
    area = feature(shown, "zone:stage")["properties"]["areaSquareMetres"]
    assert area == pytest.approx(2500, rel=0.01)
    route = feature(shown, "route")["properties"]
    assert route["lengthMetres"] == pytest.approx(500, rel=0.01)
    assert (route["walkingMinutes"], route["crowdMinutes"]) == (7, 14)


async def test_who_has_the_map_already_is_not_sent_it_again(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    tag = (await draw(client, hers, plan(), venue)).headers["etag"]
    again = await client.get(f"/v1/venues/{venue}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_same_request_again_changes_nothing(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    first = await draw(client, hers, plan(), venue)
    again = await draw(client, hers, plan(confirm=["far"]), venue)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content


async def test_a_ring_drawn_clockwise_is_the_same_ring(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    first = await draw(client, hers, plan(), venue)
    turned = square(-50, -50, 50)
    turned["coordinates"][0].reverse()
    again = await draw(
        client, hers, plan(zones=[zone("stage", turned), zone("crowd", square(0, -50, 50))]), venue
    )
    assert again.status_code == 200, again.text
    assert feature(again.json()["venue"], "zone:stage") == feature(
        first.json()["venue"], "zone:stage"
    )


async def test_a_change_names_the_version_that_it_is_based_on(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    tag = (await draw(client, hers, plan(), venue)).headers["etag"]
    blind = await draw(client, hers, plan(exits=[]), venue)
    assert (blind.status_code, blind.json()["type"]) == (428, "/problems/precondition-needed")
    changed = await draw(client, hers, plan(exits=[]), venue, if_match=tag)
    assert (changed.status_code, changed.json()["venue"]["version"]) == (200, 2)
    late = await draw(client, hers, plan(route=None), venue, if_match=tag)
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed-meanwhile")
    seen = await client.get(f"/v1/venues/{venue}")
    assert seen.headers["etag"] == changed.headers["etag"]


async def test_of_two_organisers_who_redraw_a_venue_at_once_one_is_told(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    tag = (await draw(client, hers, plan(), venue)).headers["etag"]
    answers = await asyncio.gather(
        draw(client, hers, plan(exits=[]), venue, if_match=tag),
        draw(client, hers, plan(zones=[]), venue, if_match=tag),
    )
    assert sorted(each.status_code for each in answers) == [200, 412]


async def test_a_request_that_arrives_five_times_at_once_draws_one_venue(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    answers = await asyncio.gather(*(draw(client, hers, plan(), venue) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.content for each in answers}) == 1


async def test_a_venue_goes_when_the_one_who_removes_it_has_seen_it_as_it_is(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    tag = (await draw(client, hers, plan(), venue)).headers["etag"]
    path = f"/v1/venues/{venue}"
    assert (await client.delete(path, headers=hers)).status_code == 428
    stale = await client.delete(path, headers={**hers, "If-Match": '"older"'})
    assert stale.status_code == 412
    gone = {**hers, "If-Match": tag}
    assert (await client.delete(path, headers=gone)).status_code == 204
    assert (await client.delete(path, headers=gone)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await draw(client, hers, plan(), venue, if_match=tag)).status_code == 412


async def test_venues_are_listed_by_their_place(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    venue = uuid4()
    drawing = plan(point={"type": "Point", "coordinates": [127.0019, 37.5822]})
    drawing |= {"place": "hyehwa-station", "exits": [], "zones": [], "route": None}
    await draw(client, hers, drawing, venue)
    there = (await client.get("/v1/venues", params={"place": "hyehwa-station"})).json()
    assert [each["id"] for each in there["items"]] == [str(venue)]
    assert there["nextCursor"] is None
    everywhere = (await client.get("/v1/venues")).json()["items"]
    assert str(venue) in {each["id"] for each in everywhere}
    assert (await client.get("/v1/venues", params={"place": "my-flat"})).json()["items"] == []


async def test_a_long_list_of_venues_goes_on(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    drawing = plan(exits=[], zones=[], route=None, place="bosingak")
    drawn = {str(uuid4()) for _ in range(53)}
    for venue in drawn:
        await client.put(f"/v1/venues/{venue}", json=drawing, headers=hers)
    listed = {"place": "bosingak"}
    first = (await client.get("/v1/venues", params=listed)).json()
    rest = (await client.get("/v1/venues", params=listed | {"cursor": first["nextCursor"]})).json()
    assert (len(first["items"]), len(rest["items"])) == (50, 3)
    assert {each["id"] for each in [*first["items"], *rest["items"]]} == drawn


async def test_only_organisers_draw(client: httpx.AsyncClient, hers: dict[str, str]) -> None:
    assert (await draw(client, {}, plan())).status_code == 401
    stranger = {"Authorization": "Bearer " + "A" * 43}
    assert (await draw(client, stranger, plan())).status_code == 401
    venue = uuid4()
    await draw(client, hers, plan(), venue)
    assert (await client.get(f"/v1/venues/{venue}/review")).status_code == 401
    assert (await client.delete(f"/v1/venues/{venue}")).status_code == 401


async def test_a_place_that_the_gazetteer_does_not_have_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    answer = await draw(client, hers, plan(place="my-flat"))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-place")


OPEN = {"type": "Polygon", "coordinates": [[*ring((0, 0), (9, 0), (9, 9))[:-1], at(1, 1)]]}
FLAT = {"type": "Polygon", "coordinates": [[at(0, 0), at(9, 0), at(9, 0), at(0, 0)]]}


@pytest.mark.parametrize(
    ("drawing", "pointer"),
    [
        (plan(zones=[zone("a", OPEN)]), "/zones/0/area"),
        (plan(zones=[zone("a", FLAT)]), "/zones/0/area"),
        (plan(zones=[zone("a", square(0, 0, 9))] * 2), ""),
        (plan(exits=[{"label": "10", "point": point(), "stepFree": True}] * 2), ""),
        (plan(point={"type": "Point", "coordinates": [181, 37]}), "/point/coordinates/0"),
        (plan(point={"type": "Point", "coordinates": [127, 37, 40]}), "/point/coordinates"),
        (plan(route=line((0, 0))), "/route/coordinates"),
        (plan(route=line((0, 0), (0, 0))), "/route"),
        (plan(route=line(*((0, each) for each in range(201)))), "/route/coordinates"),
        (
            plan(zones=[zone("a", {"type": "MultiPolygon", "coordinates": []})]),
            "/zones/0/area/type",
        ),
        (plan(names={"ko": "강남\u202e역"}), ""),
        (plan(phone="010-1234-5678"), ""),
    ],
)
async def test_a_shape_that_is_none_is_refused_where_it_stands(
    client: httpx.AsyncClient, hers: dict[str, str], drawing: dict[str, Any], pointer: str
) -> None:
    answer = await draw(client, hers, drawing)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-body")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "1234" not in answer.text


async def test_more_zones_than_a_map_can_show_are_refused(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    many = [
        zone(f"z{east}", {"type": "Polygon", "coordinates": [fan(east * 60)]}) for east in range(4)
    ]
    answer = await draw(client, hers, plan(zones=many, exits=[], route=None))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-body")
    assert "600 positions" in answer.json()["errors"][0]["reason"]


def fan(east: float) -> list[list[float]]:
    """A ring of 161 positions."""
    corners = [(east + each / 4, 0.0) for each in range(160)]
    return [*ring(*corners, (east, 30.0))[:161], at(east, 0)]
