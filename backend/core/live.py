"""Live updates between processes over Redis: a word that something changed, never what or who.

Losing Redis loses no update: every reader also looks by itself once in a while.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "exit10:live"
TELL_SECONDS = 0.5

WORK = UUID(int=0)
"""The topic on which waiting workers hear that there is something to do."""


class Live:
    """Tells every waiting reader of a topic (an occurrence's or alert's id) to look again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[UUID, set[asyncio.Event]] = {}
        self._closed = False

    async def tell(self, topic: UUID) -> None:
        """Say that `topic` changed. Never fails, never waits long: readers look by themselves."""
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(TELL_SECONDS):
                await self._redis.publish(CHANNEL, topic.bytes)

    async def listen(self) -> None:
        """Pass words on to this process's readers until cancelled; reconnects for ever."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    while True:
                        message = await pubsub.get_message(
                            ignore_subscribe_messages=True, timeout=5.0
                        )
                        topic = message["data"] if message is not None else None
                        if isinstance(topic, bytes) and len(topic) == 16:  # noqa: PLR2004
                            self.wake(UUID(bytes=topic))
            except (RedisError, OSError):
                await asyncio.sleep(1.0)

    async def changes(self, topic: UUID, every: float) -> AsyncGenerator[None]:
        """Yield at once, then on each word about `topic`, at the latest after `every` seconds.

        Close it (`contextlib.aclosing`) to stop waiting.
        """
        event = asyncio.Event()
        self._waiting.setdefault(topic, set()).add(event)
        try:
            while not self._closed:
                yield
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), every)
                event.clear()
        finally:
            readers = self._waiting[topic]
            readers.discard(event)
            if not readers:
                del self._waiting[topic]

    def close(self) -> None:
        """End all waiting: this process is told to go."""
        self._closed = True
        for topic in self._waiting:
            self.wake(topic)

    def wake(self, topic: UUID) -> None:
        """Let the readers in this process look again."""
        for event in self._waiting.get(topic, ()):
            event.set()
