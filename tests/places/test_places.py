"""People find the place of a gathering by its name, and nobody is asked where they are."""

import httpx
import pytest
from geopy.exc import GeocoderUnavailable
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import NotFound
from backend.places.gazetteer import Gazetteer
from backend.places.service import PlaceService

EXIT_10 = "gangnam-station-exit-10"


@given(st.text(max_size=80))
def test_no_text_upsets_the_search(typed: str) -> None:
    PlaceService().search(typed)


def test_the_gazetteer_never_opens_a_connection() -> None:
    with pytest.raises(GeocoderUnavailable):
        Gazetteer().adapter.get_json("https://rally.example", timeout=1, headers={})


def test_nobody_can_ask_the_gazetteer_what_is_near_a_coordinate() -> None:
    assert not hasattr(Gazetteer(), "reverse")


def test_distances_are_the_same_both_ways_and_rounded_to_ten_metres() -> None:
    places = PlaceService()
    distance = {
        (here.id, there.id): there.metres
        for here in places.search(None)
        for there in places.detail(here.id).nearby
    }
    assert len(distance) == 30
    for (here, there), metres in distance.items():
        assert metres == distance[there, here]
        assert metres % 10 == 0
    assert distance["gwanghwamun-square", "bosingak"] == 620


def test_a_place_that_does_not_exist_is_said_not_to() -> None:
    with pytest.raises(NotFound):
        PlaceService().get("gangnam-station-exit-11")


async def test_all_places_have_korean_and_english_names(client: httpx.AsyncClient) -> None:
    items = (await client.get("/v1/places")).json()["items"]
    assert len(items) == 6
    for place in items:
        assert place["names"].keys() >= {"ko", "en"}
        assert place["approximate"] is True
        assert place.keys() == {"id", "names", "latitude", "longitude", "approximate"}


async def test_a_phone_that_has_the_places_is_told_so(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/places", params={"q": "혜화"})
    again = await client.get(
        "/v1/places", params={"q": "혜화"}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert [place["id"] for place in first.json()["items"]] == ["hyehwa-station"]
    assert (again.status_code, again.content) == (304, b"")


async def test_a_place_tells_how_far_the_others_are(client: httpx.AsyncClient) -> None:
    place = (await client.get(f"/v1/places/{EXIT_10}")).json()
    assert place["names"]["ko"] == "강남역 10번 출구"
    assert place["nearby"][0] == {"id": "seoul-plaza", "metres": 8700}


async def test_an_unknown_place_is_a_problem_that_echoes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/places/my-flat")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "my-flat" not in answer.text


async def test_a_coordinate_in_the_request_changes_nothing(client: httpx.AsyncClient) -> None:
    plain = await client.get("/v1/places")
    located = await client.get("/v1/places", params={"lat": "37.5", "lon": "127.0"})
    assert located.content == plain.content


@pytest.mark.parametrize("query", ["", "강" * 81])
async def test_a_name_of_no_or_endless_length_is_refused(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await client.get("/v1/places", params={"q": query})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/invalid-parameter"
