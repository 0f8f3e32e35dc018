"""Opens the connection to Valkey or Redis. Nothing durable is ever put there."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from backend.settings import Settings


def open_redis(settings: Settings) -> Redis:
    """A client that connects when first used and gives up on a call after two seconds."""
    return Redis.from_url(
        settings.redis_url.reveal().decode(),
        socket_timeout=2.0,
        socket_connect_timeout=2.0,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        driver_info=None,
    )
