"""A geocoder outside learns what an organiser typed, once a second, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from backend.app import create_app
from backend.core.errors import NotFound, Unavailable
from backend.places import lookup_service
from backend.places.lookup_service import LookupService
from backend.settings import Settings
from tests.conftest import ORIGIN, MakeOrganiser
from tests.places.geocoders import NOMINATIM, PHOTON, http, local_geocoder
from tests.support.clock import SetClock
from tests.support.lifespans import held
from tests.support.logs import Logged

BAKERY = "뉴욕제과"

Asking = Callable[..., AbstractAsyncContextManager[LookupService]]


@pytest.fixture
def asking(settings: Settings, redis: Redis) -> Asking:
    """`async with asking("nominatim", url) as lookup` is a process that asks that geocoder."""

    @asynccontextmanager
    async def asking(kind: str | None, url: str | None = None) -> AsyncGenerator[LookupService]:
        await redis.delete("exit10:geocoder-turn")
        mine = msgspec.structs.replace(settings, geocoder=kind, geocoder_url=url)
        lookup = LookupService(mine, redis)
        try:
            yield lookup
        finally:
            await lookup.close()

    return asking


@pytest.mark.parametrize(
    ("kind", "answer", "path", "name"),
    [
        ("nominatim", NOMINATIM, "/search", "뉴욕제과, 강남대로, 서초구, 서울"),
        ("photon", PHOTON, "/api", "뉴욕제과, 강남대로, 서울, 대한민국"),
    ],
)
@pytest.mark.parametrize("below", ["", "/osm"])
async def test_a_place_is_found_outside(
    asking: Asking, kind: str, answer: Any, path: str, name: str, below: str
) -> None:
    async with local_geocoder(http(answer), below) as geocoder, asking(kind, geocoder.url) as her:
        found = await her.look_up(BAKERY)
    assert [(each.name, each.latitude, each.longitude) for each in found.items] == [
        (name, 37.4981234, 127.0281)
    ], "a name that deceives the eye is left out"
    assert "OpenStreetMap" in found.attribution
    assert geocoder.asked.paths == [below + path]


@pytest.mark.parametrize(("kind", "answer"), [("nominatim", NOMINATIM), ("photon", PHOTON)])
async def test_only_what_was_typed_and_the_projects_name_go_out(
    asking: Asking, kind: str, answer: Any
) -> None:
    async with local_geocoder(http(answer)) as geocoder, asking(kind, geocoder.url) as her:
        await her.look_up(BAKERY)
    (query,), (headers,) = geocoder.asked.queries, geocoder.asked.headers
    assert query == {"q": [BAKERY], "limit": ["10"]} | (
        {"format": ["json"]} if kind == "nominatim" else {}
    )
    assert headers["user-agent"] == "exit10 (coordinates rallies)"
    assert headers.keys() <= {"host", "user-agent", "accept", "accept-encoding"}
    assert "@" not in str(headers)


async def test_nothing_found_is_an_empty_list(asking: Asking) -> None:
    async with local_geocoder(http([])) as geocoder, asking("nominatim", geocoder.url) as her:
        assert (await her.look_up("nowhere")).items == []
    nothing = {"type": "FeatureCollection", "features": []}
    async with local_geocoder(http(nothing)) as geocoder, asking("photon", geocoder.url) as her:
        assert (await her.look_up("nowhere")).items == []


async def test_two_processes_together_ask_once_a_second(
    asking: Asking, settings: Settings, redis: Redis
) -> None:
    async with local_geocoder(http(NOMINATIM)) as geocoder, asking("nominatim", geocoder.url) as a:
        mine = msgspec.structs.replace(settings, geocoder="nominatim", geocoder_url=geocoder.url)
        b = LookupService(mine, redis)
        await asyncio.gather(a.look_up("one"), b.look_up("two"), a.look_up("three"))
        await b.close()
    first, second, third = geocoder.asked.instants
    assert second - first > 0.95
    assert third - second > 0.95


FEATURE = PHOTON["features"][0]
NONSENSE: list[tuple[str, bytes]] = [
    ("nominatim", http(b"<html>blocked</html>")),
    ("nominatim", http({"error": "Bandwidth limit exceeded"})),
    ("nominatim", http([{"lat": "north", "lon": "1", "display_name": "x"}])),
    ("nominatim", http([{"lat": "nan", "lon": "1", "display_name": "x"}])),
    ("nominatim", http([{"lat": "91", "lon": "1", "display_name": "x"}])),
    ("nominatim", http([{"lat": 1, "lon": 2, "display_name": "x"}])),
    ("nominatim", http([{"display_name": "x"}])),
    ("nominatim", http(b"[" * 100_000)),
    ("nominatim", http(b'["' + b"x" * 300_000 + b'"]')),
    ("nominatim", http(b"\xff\xfe")),
    ("nominatim", http([], "403 Forbidden")),
    ("nominatim", http([], "429 Too Many Requests", "Retry-After: 3600")),
    ("nominatim", http([], "500 Internal Server Error")),
    ("nominatim", http([], "302 Found", "Location: http://127.0.0.1:9/")),
    ("nominatim", b"no HTTP at all"),
    ("photon", http([])),
    ("photon", http({"features": [{}]})),
    ("photon", http({"features": [{**FEATURE, "geometry": {"coordinates": ["a", "b"]}}]})),
    ("photon", http({"features": [{**FEATURE, "properties": {"name": {"ko": "x"}}}]})),
]


@pytest.mark.parametrize(("kind", "answer"), NONSENSE)
async def test_a_geocoder_that_fails_or_talks_nonsense_is_unavailable(
    asking: Asking, kind: str, answer: bytes
) -> None:
    async with local_geocoder(answer) as geocoder, asking(kind, geocoder.url) as her:
        with pytest.raises(Unavailable, match="no answer") as refusal:
            await her.look_up(BAKERY)
    assert refusal.value.slug == "lookup-failed"
    assert len(geocoder.asked.paths) == 1, "nothing is tried again and no redirect followed"


async def test_a_geocoder_that_is_silent_is_not_waited_for_long(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup_service, "ANSWER_SECONDS", 0.3)
    async with local_geocoder(b"") as geocoder, asking("nominatim", geocoder.url) as her:
        async with asyncio.timeout(3):
            with pytest.raises(Unavailable):
                await her.look_up(BAKERY)


async def test_a_geocoder_that_is_away_is_unavailable(asking: Asking) -> None:
    async with local_geocoder(b"") as geocoder:
        url = geocoder.url
    async with asking("photon", url) as her:
        with pytest.raises(Unavailable):
            await her.look_up(BAKERY)


async def test_who_waits_too_long_for_a_turn_is_told_so(
    asking: Asking, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup_service, "PATIENCE_SECONDS", 0.3)
    async with local_geocoder(http([])) as geocoder, asking("nominatim", geocoder.url) as her:
        await redis.set("exit10:geocoder-turn", b"", px=5000)
        with pytest.raises(Unavailable):
            await her.look_up(BAKERY)
        await redis.delete("exit10:geocoder-turn")
    assert geocoder.asked.paths == []


async def test_without_the_setting_nobody_is_asked(asking: Asking) -> None:
    async with asking(None) as her:
        with pytest.raises(NotFound) as refusal:
            await her.look_up(BAKERY)
    assert refusal.value.slug == "lookup-off"


async def test_the_operation_is_off_unless_it_is_turned_on(
    client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock
) -> None:
    hers = (await organiser("admin")).headers
    off = await client.get("/v1/places/lookup", params={"q": BAKERY}, headers=hers)
    assert (off.status_code, off.json()["type"]) == (404, "/problems/lookup-off")
    assert (await client.get("/v1/places/lookup", params={"q": BAKERY})).status_code == 401


async def test_an_organiser_looks_a_place_up_and_no_log_tells_what(
    settings: Settings,
    organiser: MakeOrganiser,
    module_clock: SetClock,
    redis: Redis,
    logged: Logged,
) -> None:
    hers = (await organiser("admin")).headers
    await redis.delete("exit10:geocoder-turn")
    async with local_geocoder(http(NOMINATIM)) as good, local_geocoder(http([], "500 Oh")) as bad:
        for geocoder, status in ((good, 200), (bad, 503)):
            mine = msgspec.structs.replace(
                settings, geocoder="nominatim", geocoder_url=geocoder.url
            )
            async with client_of(create_app(mine, module_clock)) as client:
                answer = await client.get("/v1/places/lookup", params={"q": BAKERY}, headers=hers)
                assert answer.status_code == status, answer.text
                assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["type"] == "/problems/lookup-failed"
    assert answer.headers["retry-after"] == "5"
    assert BAKERY not in str(logged())
    assert "%EB" not in str(logged())


@pytest.mark.parametrize("query", ["a", "강" * 81, "강남\u202e역", "a\x00b"])
async def test_a_name_that_is_none_is_not_sent_out(
    client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock, query: str
) -> None:
    hers = (await organiser("admin")).headers
    answer = await client.get("/v1/places/lookup", params={"q": query}, headers=hers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-parameter")
    assert answer.json()["errors"][0]["pointer"] == "q"


@asynccontextmanager
async def client_of(app: Litestar) -> AsyncGenerator[httpx.AsyncClient]:
    """Someone on the other side of HTTP of an application of its own."""
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with (
        held(app.lifespan()),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client,
    ):
        yield client
