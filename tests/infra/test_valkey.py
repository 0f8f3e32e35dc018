"""infra's Valkey really starts, and its only user may do what Exit 10 does and nothing more."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from backend.core.live import CHANNEL
from tests.architecture.house import ROOT
from tests.infra.servers import InfraValkey


@pytest.fixture(scope="module")
def valkey() -> Iterator[InfraValkey]:
    """Valkey with infra's files."""
    with InfraValkey(ROOT / "infra" / "valkey") as server:
        yield server


@pytest.fixture
async def redis(valkey: InfraValkey) -> AsyncIterator[Redis]:
    """The application's user."""
    client = Redis.from_url(valkey.url)
    yield client
    await client.aclose()


async def test_it_carries_words_of_change(redis: Redis) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANNEL)
        assert await pubsub.get_message(timeout=5.0)
        word = uuid4().bytes
        await redis.publish(CHANNEL, word)
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5.0)
        assert message is not None
        assert message["data"] == word


async def test_it_keeps_budgets_and_can_be_emptied(redis: Redis) -> None:
    await redis.set("exit10:budget", 1, ex=60)
    assert await redis.get("exit10:budget") == b"1"
    await redis.flushall()
    assert await redis.get("exit10:budget") is None


@pytest.mark.parametrize(
    "command",
    [
        *("SAVE", "BGSAVE", "BGREWRITEAOF", "MONITOR", "CONFIG GET dir", "CONFIG SET dir /tmp"),
        *("EVAL 1 0", "FUNCTION LIST", "SCRIPT LOAD 1", "KEYS *", "ACL LIST"),
        *("CLIENT LIST", "CLIENT KILL ID 1", "SLOWLOG GET", "COMMANDLOG GET 1 slow", "INFO"),
        *("SHUTDOWN", "REPLICAOF localhost 1", "MODULE LIST", "GET other", "PUBLISH other 1"),
        "MIGRATE localhost 1 x 0 1",
    ],
)
async def test_case_75_what_a_burglar_would_want_is_denied(redis: Redis, command: str) -> None:
    with pytest.raises(NoPermissionError):
        await redis.execute_command(*command.split())


async def test_nothing_is_written_to_a_disk(valkey: InfraValkey, redis: Redis) -> None:
    await redis.set("exit10:canary", "canary-of-exit-10")
    written = {path.name for path in valkey.folder.iterdir()}
    assert written == {"log", "users.acl", "valkey.conf", "valkey.sock"}
    assert "canary" not in valkey.log()
