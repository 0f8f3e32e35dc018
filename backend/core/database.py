"""Opens the pool of connections under one least-privileged role.

Never logs a statement or a value.
"""

from typing import Literal

import asyncpg
import msgspec

from backend.settings import Settings

Role = Literal["exit10_api", "exit10_worker", "exit10_maint"]
Pool = asyncpg.Pool
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

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
        reset=_leave_as_it_is,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={"role": role, "application_name": role, "timezone": "UTC", "jit": "off"},
    )
    assert pool is not None  # noqa: S101 - create_pool gives None only to callers who do not await
    return pool


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_write_jsonb,
        decoder=_read_jsonb,
        format="binary",
    )


def _write_jsonb(value: object) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _read_jsonb(value: bytes) -> object:
    return msgspec.json.decode(value[1:])


async def _leave_as_it_is(_: object) -> None:
    """Spare each release a round trip: open transactions are rolled back before this, and no
    statement of the house changes its session otherwise."""
