"""Default-deny: what says nothing is closed, and every door of the house says something."""

from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from backend.app import create_app
from backend.core.guards import BEARER, PUBLIC, SCOPES, scoped
from backend.core.tokens import new_token
from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.http import bearer, slug
from tests.support.lifespans import held
from tests.support.organisers import MakeOrganiser


def doors(app: Litestar) -> list[HTTPRouteHandler]:
    """Every handler of the house. The framework's own say nothing, and so are closed."""
    return [
        handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if isinstance(handler, HTTPRouteHandler) and handler.fn.__module__.startswith("backend.")
    ]


def test_every_door_says_who_may_use_it(app: Litestar) -> None:
    assert len(doors(app)) > 20
    for handler in doors(app):
        assert handler.opt.get("access") in {"public", "bearer", *SCOPES}, handler


def test_a_scope_that_does_not_exist_is_noticed_when_the_house_is_built() -> None:
    with pytest.raises(LookupError):
        scoped("alerts:shout")


@get("/forgotten")
async def forgotten() -> str:
    """A door whose author said nothing."""
    return "inside"


@get("/misspelt", opt={"access": "Public"})
async def misspelt() -> str:
    """A door whose author said something else."""
    return "inside"


@get("/open", opt=PUBLIC)
async def open_door() -> str:
    """A door for everybody."""
    return "inside"


@get("/token", opt=BEARER)
async def token_door() -> str:
    """A door for whoever holds a token."""
    return "inside"


@pytest.fixture(scope="module")
async def extended(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, SetClock())
    for handler in (forgotten, misspelt, open_door, token_door):
        app.register(handler)
    transport = httpx.ASGITransport(cast("Any", app))
    async with (
        held(app.lifespan()),
        httpx.AsyncClient(transport=transport, base_url="https://rally.example") as client,
    ):
        yield client


async def test_a_door_that_says_nothing_is_closed_to_all(
    extended: httpx.AsyncClient, organiser: MakeOrganiser
) -> None:
    admin = await organiser("admin")
    for path in ("/forgotten", "/misspelt"):
        for headers in ({}, bearer(new_token()), admin.headers):
            answer = await extended.get(path, headers=headers)
            assert (answer.status_code, slug(answer)) == (403, "not-allowed")


async def test_public_is_public_and_a_token_door_wants_a_token(
    extended: httpx.AsyncClient,
) -> None:
    assert (await extended.get("/open")).text == "inside"
    assert (await extended.get("/token", headers=bearer(new_token()))).text == "inside"
    answer = await extended.get("/token")
    assert (answer.status_code, slug(answer)) == (401, "token-missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="exit10"'


async def test_bad_input_35_a_stranger_learns_nothing_of_what_is_there(
    client: httpx.AsyncClient, organiser: MakeOrganiser
) -> None:
    admin = await organiser("admin")
    path = f"/v1/invites/{uuid4()}"
    request = {"token": new_token(), "role": "organiser"}
    await client.put(path, json=request, headers=admin.headers)
    hit = await client.delete(path, headers=bearer(new_token()))
    miss = await client.delete(f"/v1/invites/{uuid4()}", headers=bearer(new_token()))
    assert (hit.status_code, hit.content) == (miss.status_code, miss.content) == (401, hit.content)
