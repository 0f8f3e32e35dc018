"""A rally, its phones, and a worker, on a push service of their own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from backend.core.keyring import Keyring
from backend.drill.push_handle import PushServiceProcess
from backend.embedded import EmbeddedSystem
from backend.settings import Secret, Settings
from tests.conftest import ORIGIN
from tests.events.gatherings import FRIDAY_PLAN, put
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser
from tests.support.pools import PoolAs
from tests.support.rally import Rally, Worker

SERIES = UUID("018f0000-0000-7000-8000-000000000010")


@pytest.fixture(scope="module")
async def push(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PushServiceProcess]:
    """A push service that this module's settings admit."""
    folder: Path = tmp_path_factory.mktemp("push")
    async with await PushServiceProcess.start(folder) as service:
        yield service


@pytest.fixture(scope="module")
def settings(system: EmbeddedSystem, database_url: str, push: PushServiceProcess) -> Settings:
    """Settings that admit the module's push service."""
    return Settings(
        database_url=Secret(database_url.encode()),
        redis_url=Secret(system.valkey.url.encode()),
        token_key=Secret(bytes(range(32))),
        origin=ORIGIN,
        contact="mailto:rally@rally.example",
        rehearsal_push_origin=push.origin,
        rehearsal_push_ca=push.authority,
    )


@pytest.fixture(scope="module")
async def module_rally(
    client: httpx.AsyncClient,
    push: PushServiceProcess,
    organiser: MakeOrganiser,
    keyring: Keyring,
) -> Rally:
    """Next Friday's rally, with keys to subscribe by."""
    organisers = await organiser("admin"), await organiser("admin")
    scheduled = await put(client, organisers[0].headers, FRIDAY_PLAN, SERIES)
    assert scheduled.status_code == 201, scheduled.text
    listed = await client.get("/v1/occurrences", params={"series": str(SERIES)})
    occurrence = UUID(listed.json()["items"][0]["id"])
    return Rally(client, push, organisers, SERIES, occurrence)


@pytest.fixture
async def rally(module_rally: Rally, clock: SetClock, pool_as: PoolAs) -> Rally:
    """The rally with no phone following it and no alert sent yet."""
    pool = await pool_as("exit10_maint")
    await pool.execute("delete from subscription")
    await pool.execute("delete from alert")
    await pool.execute("delete from approval")
    await module_rally.push.heal()
    await module_rally.push.start_over()
    return module_rally


@pytest.fixture
async def worker(
    pool_as: PoolAs, clock: SetClock, keyring: Keyring, settings: Settings
) -> AsyncIterator[Worker]:
    """A worker that waits two seconds for a push service rather than ten."""
    worker = Worker(
        await pool_as("exit10_worker"),
        clock,
        keyring,
        settings,
        answer_within=timedelta(seconds=2),
    )
    yield worker
    await worker.close()
