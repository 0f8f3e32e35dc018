"""A crowd that follows one rally on a running system, whole again before each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from backend.core.clock import system_clock
from backend.drill.api_client import Api
from backend.drill.phones import Phone
from backend.drill.push_handle import PushServiceProcess
from backend.embedded import EmbeddedSystem
from schemas.coalition import Role
from schemas.push import Subscription
from tests.events.gatherings import FRIDAY_PLAN, put
from tests.support.organisers import redeemed_organiser
from tests.support.processes import RunningSystem, durable_servers
from tests.support.rally import Rally

PHONES = 2_500
"""Five batches: whatever dies after the first one dies in mid-fan-out."""

_LANES = 16


@pytest.fixture(scope="session")
def durable() -> Iterator[EmbeddedSystem]:
    """Servers that lose nothing they acknowledged."""
    with durable_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
async def crowd_push(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PushServiceProcess]:
    """The push service of all phones."""
    folder: Path = tmp_path_factory.mktemp("push")
    async with await PushServiceProcess.start(folder) as push:
        yield push


@pytest.fixture(scope="session")
async def started(
    durable: EmbeddedSystem, crowd_push: PushServiceProcess
) -> AsyncIterator[RunningSystem]:
    """The system with its API and the keys that a first worker made."""
    system = RunningSystem(durable, crowd_push)
    try:
        await system.open_api()
        (await system.worker()).stop()
        yield system
    finally:
        system.close()


@pytest.fixture(scope="session")
async def crowd(started: RunningSystem, crowd_push: PushServiceProcess) -> AsyncIterator[Rally]:
    """Next Friday's rally and the phones that follow it, subscribed over the public API."""
    timeout = httpx.Timeout(30.0)
    async with httpx.AsyncClient(base_url=started.origin, timeout=timeout) as client:
        settings = started.settings()
        organisers = (
            await redeemed_organiser(client, settings, system_clock, Role.ADMIN),
            await redeemed_organiser(client, settings, system_clock, Role.ADMIN),
        )
        series = uuid4()
        scheduled = await put(client, organisers[0].headers, FRIDAY_PLAN, series)
        assert scheduled.status_code == 201, scheduled.text
        listed = await client.get("/v1/occurrences", params={"series": str(series)})
        occurrence = UUID(listed.json()["items"][0]["id"])
        rally = Rally(client, crowd_push, organisers, series, occurrence)
        await subscribe(rally, started.origin, PHONES)
        yield rally


@pytest.fixture
async def system(started: RunningSystem, owner: asyncpg.Connection) -> AsyncIterator[RunningSystem]:
    """The system with its API and no worker, and no alert written yet."""
    await owner.execute("delete from alert")
    await started.open_api()
    yield started
    for server in (started.servers.postgres, started.servers.valkey):
        if not server.running:
            server.start()
    started.stop_workers()


@pytest.fixture
async def owner(durable: EmbeddedSystem) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do everything."""
    connection = await asyncpg.connect(durable.home.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def rally(crowd: Rally, system: RunningSystem) -> Rally:
    """The rally and its phones, with nothing on any screen."""
    await crowd.push.heal()
    await crowd.push.start_over()
    for phone in crowd.phones.values():
        phone.notifications.clear()
    return crowd


async def subscribe(rally: Rally, origin: str, count: int) -> None:
    """Let `count` new phones subscribe, several at once."""
    phones = [Phone.new(endpoint) for endpoint in await rally.push.subscribe(count)]
    rally.phones.update(enumerate(phones, len(rally.phones)))
    waiting = iter(phones)
    async with Api(origin) as api:

        async def lane() -> None:
            for phone in waiting:
                body = {
                    "subscription": phone.subscription(),
                    "series": str(rally.series),
                    "language": "ko",
                }
                answer = await api.put(
                    "/v1/push/subscription", body, Subscription, token=phone.token
                )
                assert answer.series == rally.series

        await asyncio.gather(*(lane() for _ in range(_LANES)))
