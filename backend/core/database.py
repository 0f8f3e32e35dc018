"""Opens the pool of connections under one least-privileged role. Never logs a statement or a value."""

from typing import Any, Literal

import asyncpg
import msgspec

from backend.settings import Settings

Role = Literal["exit10_api", "exit10_worker", "exit10_maint"]
Pool = asyncpg.Pool[Any]
Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]

STATEMENT_TIMEOUT_SECONDS = 20.0


async def open_pool(settings: Settings, role: Role, size: int = 8) -> Pool:
    """Open at most `size` connections, each acting as `role`.

    Raises:
        OSError, asyncpg.PostgresError: the server does not answer or refuses.
    """
    pool = await asyncpg.create_pool(
        settings.database_url.reveal().decode(),
        min_size=1,
        max_size=size,
        init=_prepare,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={"role": role, "application_name": role, "timezone": "UTC", "jit": "off"},
    )
    assert pool is not None  # noqa: S101 - create_pool gives None only to callers who do not await
    return pool


async def _prepare(connection: asyncpg.Connection[Any]) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda value: msgspec.json.decode(value[1:]),
        format="binary",
    )
