"""Postgres and Valkey die in mid-fan-out and come back: every phone is reached all the same."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis

from backend.alerts.dispatch_service import BATCH_SIZE
from backend.core.live import CHANNEL
from tests.chaos.crowds import DIE_AT, PATIENCE_SECONDS, all_reached, sent
from tests.support.http import slug
from tests.support.processes import RunningSystem, until
from tests.support.rally import Rally

ANSWER_SECONDS = 5.0
"""Within this, the API says that Postgres is away."""

AWAY_SECONDS = 1.0
LAPSE_SECONDS = 9.0
"""Longer than a lease."""

QUIET_SECONDS = 1.5
"""Time enough for a sign of life on a stream without news."""

RELEASE_SECONDS = 6.0
REACH_SECONDS = 10.0
"""Within these, an alert is released and a crowd is reached, whatever is the matter with Valkey."""


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGQUIT], ids=lambda each: each.name)
async def test_bad_input_68_postgres_killed_in_mid_fan_out_costs_no_phone(
    rally: Rally, system: RunningSystem, blow: signal.Signals
) -> None:
    await system.worker()
    alert = await rally.announce()
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
    await strike(system, blow)
    assert (await rally.push.counts()).reached < len(rally.phones)

    await refuses_for_now(rally, alert)
    await asyncio.sleep(AWAY_SECONDS)
    assert (await rally.client.get("/health/live")).status_code == 200
    await asyncio.to_thread(system.servers.postgres.start)

    await all_reached(rally)
    await sent(rally, alert)
    assert (await rally.client.get("/health/ready")).json()["postgres"] is True
    received = await rally.received()
    assert len(received) == len(rally.phones)
    assert (await rally.progress(alert))["delivered"] == len(rally.phones)


async def test_bad_input_68_with_two_workers_each_repeats_at_most_its_batch(
    rally: Rally, system: RunningSystem
) -> None:
    await asyncio.gather(system.worker(), system.worker())
    alert = await rally.announce()
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
    await strike(system, signal.SIGKILL)
    assert (await rally.push.counts()).reached < len(rally.phones)

    await asyncio.sleep(LAPSE_SECONDS)
    await asyncio.to_thread(system.servers.postgres.start)

    await all_reached(rally)
    await sent(rally, alert)
    received = await rally.received()
    times = Counter(got.phone.endpoint for got in received)
    assert len(received) - len(times) <= 2 * BATCH_SIZE
    assert {len(phone.notifications) for phone in rally.phones.values()} == {1}
    assert (await rally.progress(alert))["delivered"] == len(rally.phones)


async def test_bad_input_69_valkey_emptied_killed_and_restarted_costs_no_phone(
    rally: Rally, system: RunningSystem
) -> None:
    await system.worker()
    valkey = system.servers.valkey
    alert = await rally.announce()
    async with watching(rally, alert) as told, application(system) as redis:
        await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
        await redis.flushall()
        valkey.kill()
        assert (await rally.push.counts()).reached < len(rally.phones)
        assert (await rally.client.get("/health/ready")).json()["redis"] is False
        await asyncio.to_thread(valkey.start)

        await all_reached(rally)
        await sent(rally, alert)
        await until(lambda: told and told[-1]["state"] == "sent", PATIENCE_SECONDS)

    assert told[-1]["delivered"] == len(rally.phones)
    assert len(await rally.received()) == len(rally.phones)
    async with application(system) as redis:
        # API and worker listen again.
        await until(lambda: _is_heard_by(redis, 2), PATIENCE_SECONDS)


async def test_bad_input_69_without_valkey_a_whole_alert_goes_out_and_is_watched(
    rally: Rally, system: RunningSystem
) -> None:
    await system.worker()
    system.servers.valkey.stop()

    alert = await rally.compose()
    async with watching(rally, alert) as told:
        await asyncio.sleep(QUIET_SECONDS)
        await rally.approve(alert)
        await all_reached(rally)
        await until(lambda: told and told[-1]["state"] == "sent", PATIENCE_SECONDS)

    assert told[-1]["delivered"] == len(rally.phones)
    assert len(await rally.received()) == len(rally.phones)


async def test_a_valkey_that_hangs_keeps_no_phone_waiting(
    rally: Rally, system: RunningSystem
) -> None:
    await system.worker()
    pid = system.servers.valkey.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(RELEASE_SECONDS):
            await rally.announce()
        async with asyncio.timeout(REACH_SECONDS):
            await all_reached(rally)
    finally:
        os.kill(pid, signal.SIGCONT)


async def strike(system: RunningSystem, blow: signal.Signals) -> None:
    """Send Postgres a signal that ends it at once, and wait for its end."""
    postgres = system.servers.postgres
    if blow is signal.SIGKILL:
        postgres.kill()
        return
    assert postgres.pid is not None
    os.kill(postgres.pid, blow)
    await until(lambda: not postgres.running)


async def refuses_for_now(rally: Rally, alert: UUID) -> None:
    """Check that readers and writers are told to come back shortly."""
    phone = rally.phones[0]
    for _ in range(3):
        async with asyncio.timeout(ANSWER_SECONDS):
            answers = await asyncio.gather(
                rally.client.get(f"/v1/series/{rally.series}"),
                rally.client.get(f"/v1/alerts/{alert}", headers=rally.composer.headers),
                rally.client.put(
                    f"/v1/alerts/{alert}/cancellation", headers=rally.composer.headers
                ),
                rally.renew(phone),
            )
        for answer in answers:
            assert (answer.status_code, slug(answer)) == (503, "unavailable")
            assert answer.headers["retry-after"].isdigit()
        ready = await rally.client.get("/health/ready")
        assert (ready.status_code, ready.json()["postgres"]) == (503, False)


@asynccontextmanager
async def watching(rally: Rally, alert: UUID) -> AsyncGenerator[list[dict[str, Any]]]:
    """Follow an alert by server-sent events; gives the list that they are put in."""
    told: list[dict[str, Any]] = []
    begun = asyncio.Event()

    async def watch() -> None:
        async with rally.client.stream(
            "GET",
            f"/v1/alerts/{alert}/live",
            headers=rally.composer.headers,
            timeout=httpx.Timeout(PATIENCE_SECONDS),
        ) as stream:
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                begun.set()
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await begun.wait()
        yield told
        watcher.cancel()


@asynccontextmanager
async def application(system: RunningSystem) -> AsyncGenerator[Redis]:
    """Valkey as API and workers may use it."""
    async with Redis.from_url(system.servers.valkey.url) as redis:
        yield redis


async def _is_heard_by(redis: Redis, processes: int) -> bool:
    [(_, listeners)] = await redis.pubsub_numsub(CHANNEL)
    return bool(listeners >= processes)
