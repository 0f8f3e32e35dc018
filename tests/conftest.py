"""Fixtures of the whole house: every test module has a database of its own on real servers.

`settings`, `app`, `client`, `redis` and `keyring` live as long as a test module; `clock` stands on
the same Monday again at the start of each test.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from backend.core.database import Pool, Role, open_pool
from backend.core.keyring import Keyring
from backend.core.redis import open_redis
from backend.embedded import EmbeddedSystem
from backend.settings import Secret, Settings
from schemas.coalition import Role as OrganiserRole
from tests.support.clock import MONDAY_NOON_IN_SEOUL, SetClock
from tests.support.databases import Databases
from tests.support.keys import published_keyring
from tests.support.lifespans import held
from tests.support.logs import Logged, logged_lines
from tests.support.organisers import MakeOrganiser, OrganiserInHand, redeemed_organiser
from tests.support.pools import PoolAs

ORIGIN = "https://rally.example"


@pytest.fixture(scope="session")
def system() -> Iterator[EmbeddedSystem]:
    """Postgres and Valkey of this test process. Tests that stop a server start it again."""
    with EmbeddedSystem.throwaway() as system:
        yield system


@pytest.fixture(scope="session")
def databases(system: EmbeddedSystem) -> Databases:
    """Copies of a migrated database."""
    return Databases(system)


@pytest.fixture(scope="module")
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """An empty database with all tables; who connects without taking a role is its owner."""
    url = await databases.copy()
    yield url
    await databases.drop(url)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do everything in the module's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def settings(system: EmbeddedSystem, database_url: str) -> Settings:
    """Settings of a process of the system under test, with a fresh token key."""
    return Settings(
        database_url=Secret(database_url.encode()),
        redis_url=Secret(system.valkey.url.encode()),
        token_key=Secret(secrets.token_bytes(32)),
        origin=ORIGIN,
        contact="mailto:rally@rally.example",
    )


@pytest.fixture(scope="module")
def module_clock() -> SetClock:
    """The clock that the module's application was handed."""
    return SetClock()


@pytest.fixture
def clock(module_clock: SetClock) -> SetClock:
    """The clock of everything under test, back on its Monday."""
    module_clock.set(MONDAY_NOON_IN_SEOUL)
    return module_clock


@pytest.fixture(scope="module")
async def pool_as(settings: Settings) -> AsyncIterator[PoolAs]:
    """Pools by role: `await pool_as("exit10_worker")`. Opened once, closed with the module."""
    pools: dict[Role, Pool] = {}

    async def pool_as(role: Role) -> Pool:
        if role not in pools:
            pools[role] = await open_pool(settings, role)
        return pools[role]

    yield pool_as
    for pool in pools.values():
        await pool.close()


@pytest.fixture(scope="module")
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """Valkey, empty at the start of the module."""
    client = open_redis(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """What the API logs at DEBUG during a test: `logged()` gives the lines so far."""
    with logged_lines(monkeypatch) as logged:
        yield logged


@pytest.fixture(scope="module")
async def app(settings: Settings, module_clock: SetClock, redis: Redis) -> AsyncIterator[Litestar]:
    """The API, running, with its pools open."""
    from backend.app import create_app  # noqa: PLC0415 - the one fixture that needs every room

    app = create_app(settings, module_clock)
    async with held(app.lifespan()):
        yield app


@pytest.fixture(scope="module")
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Someone on the other side of HTTP, without a token."""
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture(scope="module")
async def organiser(
    client: httpx.AsyncClient, settings: Settings, module_clock: SetClock
) -> MakeOrganiser:
    """`await organiser("admin")` is one more organiser; `.headers` are what her requests carry."""

    async def organiser(role: str = "admin") -> OrganiserInHand:
        return await redeemed_organiser(client, settings, module_clock, OrganiserRole(role))

    return organiser


@pytest.fixture(scope="module")
async def keyring(
    tmp_path_factory: pytest.TempPathFactory,
    pool_as: PoolAs,
    module_clock: SetClock,
) -> Keyring:
    """A worker's keyring with the first epoch's key and the signing key, both published."""
    folder: Path = tmp_path_factory.mktemp("keyring")
    return await published_keyring(folder, await pool_as("exit10_worker"), module_clock)
