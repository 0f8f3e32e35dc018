"""A word that something changed reaches every process, and losing Redis loses no update."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from backend.core.live import CHANNEL, Live
from backend.core.redis import open_redis
from backend.embedded import EmbeddedSystem
from backend.settings import Settings

NEVER = 30.0
SOON = 5.0


@pytest.fixture
async def two(settings: Settings) -> AsyncIterator[tuple[Live, Live]]:
    """Two processes' ends of the line."""
    clients = open_redis(settings), open_redis(settings)
    ends = Live(clients[0]), Live(clients[1])
    listening = [asyncio.create_task(end.listen()) for end in ends]
    await everybody_listens(clients[0])
    yield ends
    for task in listening:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for client in clients:
        await client.aclose()


def waiting(end: Live) -> set[UUID]:
    return set(end._waiting)  # pyright: ignore[reportPrivateUsage]


async def everybody_listens(client: Redis) -> None:
    async with asyncio.timeout(SOON):
        while dict(await client.pubsub_numsub(CHANNEL)).get(CHANNEL.encode()) != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_reader_looks_at_once_and_again_when_another_process_tells(
    two: tuple[Live, Live],
) -> None:
    here, there = two
    alert = uuid4()
    async with aclosing(here.changes(alert, NEVER)) as changes, asyncio.timeout(SOON):
        await anext(changes)
        await there.tell(alert)
        await anext(changes)


async def test_a_reader_is_not_woken_by_another_alert(two: tuple[Live, Live]) -> None:
    here, there = two
    alert = uuid4()
    async with aclosing(here.changes(alert, NEVER)) as changes, asyncio.timeout(SOON):
        await anext(changes)
        woken = asyncio.ensure_future(anext(changes))
        await there.tell(uuid4())
        await asyncio.sleep(0.1)
        assert not woken.done()
        await there.tell(alert)
        await woken


async def test_a_reader_who_hears_nothing_looks_by_herself(two: tuple[Live, Live]) -> None:
    async with aclosing(two[0].changes(uuid4(), 0.05)) as changes, asyncio.timeout(SOON):
        for _ in range(3):
            await anext(changes)


async def test_readers_who_left_are_forgotten(two: tuple[Live, Live]) -> None:
    alert = uuid4()
    async with aclosing(two[0].changes(alert, NEVER)) as changes:
        await anext(changes)
        assert waiting(two[0]) == {alert}
    assert waiting(two[0]) == set()


async def test_bad_input_69_a_restarted_store_is_listened_to_again(
    two: tuple[Live, Live], system: EmbeddedSystem, redis: Redis
) -> None:
    here, there = two
    alert = uuid4()
    system.valkey.stop()
    await there.tell(alert)
    system.valkey.start()
    await everybody_listens(redis)
    async with aclosing(here.changes(alert, NEVER)) as changes, asyncio.timeout(SOON):
        await anext(changes)
        await there.tell(alert)
        await anext(changes)
