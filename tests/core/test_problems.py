"""Every failure is problem details (RFC 9457) and never repeats what was sent."""

from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath, FromQuery
from redis.exceptions import ConnectionError as RedisAway

from backend.app import create_app
from backend.core import errors
from backend.core.guards import PUBLIC
from backend.core.headers import SECURITY_HEADERS
from backend.core.problems import STATUS_OF, TITLES
from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.http import slug
from tests.support.lifespans import held
from tests.support.logs import Logged

CANARY = "canary-77aa"

FAILURES: dict[str, Exception] = {
    "bug": ZeroDivisionError(CANARY),
    "statement": asyncpg.UniqueViolationError(CANARY),
    "recursion": RecursionError(CANARY),
    "socket": ConnectionRefusedError(CANARY),
    "slow": TimeoutError(CANARY),
    "redis": RedisAway(CANARY),
    "starting": asyncpg.CannotConnectNowError(CANARY),
    "ended": asyncpg.AdminShutdownError(CANARY),
    "crowded": asyncpg.TooManyConnectionsError(CANARY),
    "closed": asyncpg.InterfaceError(CANARY),
}
OUR_FAULT = {"bug", "statement", "recursion"}


@get("/fail/{how:str}", opt=PUBLIC)
async def fail(how: FromPath[str]) -> None:
    """Fails."""
    raise FAILURES[how]


@get("/refuse/{how:str}", opt=PUBLIC)
async def refuse(how: FromPath[str]) -> None:
    """Refuses."""
    raise getattr(errors, how)("a-slug", "A sentence.")


@get("/count", opt=PUBLIC)
async def count(people: FromQuery[int]) -> None:
    """Needs a number."""


@pytest.fixture(scope="module")
async def fragile(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application with doors that fail."""
    app: Litestar = create_app(settings, SetClock())
    for handler in (fail, refuse, count):
        app.register(handler)
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with (
        held(app.lifespan()),
        httpx.AsyncClient(transport=transport, base_url="https://rally.example") as client,
    ):
        yield client


@pytest.mark.parametrize("how", FAILURES)
async def test_a_failure_tells_nothing_but_whose_turn_it_is(
    fragile: httpx.AsyncClient, how: str, logged: Logged
) -> None:
    answer = await fragile.get(f"/fail/{how}", params={"q": CANARY})
    if how in OUR_FAULT:
        assert (answer.status_code, slug(answer)) == (500, "internal")
    else:
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert answer.headers["retry-after"] == "5"
    assert CANARY not in answer.text
    (line,) = [line for line in logged() if line["event"] == "request-failed"]
    assert line["error"] == type(FAILURES[how]).__name__
    assert (line["method"], line["route"]) == ("GET", "/fail/{how}")
    assert CANARY not in str(logged())


@pytest.mark.parametrize("kind", STATUS_OF)
async def test_every_refusal_of_a_service_has_its_status(
    fragile: httpx.AsyncClient, kind: type[errors.DomainError]
) -> None:
    answer = await fragile.get(f"/refuse/{kind.__name__}")
    assert (answer.status_code, slug(answer)) == (STATUS_OF[kind], "a-slug")
    assert answer.json()["detail"] == "A sentence."
    assert answer.json()["title"] == TITLES[STATUS_OF[kind]][1]


def test_no_kind_of_refusal_is_without_a_status() -> None:
    assert set(errors.DomainError.__subclasses__()) == STATUS_OF.keys()


async def test_an_error_answer_carries_every_security_header(fragile: httpx.AsyncClient) -> None:
    for path in ("/fail/bug", "/v1/nowhere", "/v1/invites", "/count", "/v1/places"):
        answer = await fragile.get(path)
        for name, value in SECURITY_HEADERS:
            assert answer.headers.get_list(name.decode()) == [value.decode()], path
        if answer.status_code >= 400:
            assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


async def test_what_is_not_there_is_not_found(fragile: httpx.AsyncClient) -> None:
    answer = await fragile.get(f"/v1/{CANARY}")
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert CANARY not in answer.text


async def test_a_wrong_method_names_the_right_ones(fragile: httpx.AsyncClient) -> None:
    answer = await fragile.request("PATCH", "/v1/invites")
    assert (answer.status_code, slug(answer)) == (405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("value", [CANARY, "1e400", "NaN", "\u202e", "1.5"])
async def test_a_wrong_parameter_is_named_and_not_repeated(
    fragile: httpx.AsyncClient, value: str
) -> None:
    answer = await fragile.get("/count", params={"people": value})
    assert (answer.status_code, slug(answer)) == (400, "invalid-parameter")
    assert answer.json()["errors"] == [{"pointer": "people", "reason": "Not acceptable"}]
    assert CANARY not in answer.text


async def test_a_missing_parameter_is_named(fragile: httpx.AsyncClient) -> None:
    answer = await fragile.get("/count", params={CANARY: "1"})
    assert (answer.status_code, slug(answer)) == (400, "invalid-parameter")
    assert answer.json()["errors"] == [{"pointer": "people", "reason": "Missing"}]
    assert CANARY not in answer.text


async def test_a_missing_body_is_said_to_be_missing(fragile: httpx.AsyncClient) -> None:
    answer = await fragile.post(
        "/v1/invites/redeem", headers={"Authorization": f"Bearer {'A' * 43}"}
    )
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert answer.json()["detail"] == "The body is missing."


@pytest.mark.parametrize(
    "path", ["/v1/series/not-a-uuid", f"/v1/occurrences/{CANARY}", "/v1/places/%00", "/%ff%fe"]
)
async def test_a_malformed_address_is_a_problem_too(fragile: httpx.AsyncClient, path: str) -> None:
    answer = await fragile.get(path)
    assert answer.status_code in (400, 404)
    assert slug(answer) in ("not-found", "invalid-parameter")
    assert CANARY not in answer.text
