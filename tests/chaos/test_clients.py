"""Clients vanish in the middle of everything: the API forgets them and serves the next one."""

import asyncio
import signal
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from backend.drill.phones import Phone
from tests.support.processes import RunningSystem, until
from tests.support.rally import Rally, bearer

CROWD = 100
SETTLE_SECONDS = 15.0
GO_SECONDS = 5.0
LOOKS_SECONDS = 3.0
"""Those who watch an alert are looked up something once a second."""

POOL_SIZE = 8
NOW = struct.pack("ii", 1, 0)
"""SO_LINGER by which closing resets the connection (RFC 9293 section 3.6)."""

BUSY = (
    "select count(*) from pg_stat_activity where application_name = 'exit10_api'"
    " and state <> 'idle'"
)
CONNECTIONS = "select count(*) from pg_stat_activity where application_name = 'exit10_api'"
LAST_QUERY = "select max(query_start) from pg_stat_activity where application_name = 'exit10_api'"


@pytest.mark.parametrize("sent", ["nothing", "part of the headers", "headers", "half the body"])
async def test_bad_input_71_who_hangs_up_before_the_end_leaves_nothing_behind(
    rally: Rally, system: RunningSystem, owner: asyncpg.Connection, sent: str
) -> None:
    phone = Phone.new((await rally.push.subscribe(1))[0])
    head, body = subscription(rally, phone)
    parts = {
        "nothing": b"",
        "part of the headers": head[: len(head) // 2],
        "headers": head,
        "half the body": head + body[: len(body) // 2],
    }
    async with nothing_left(rally, system, owner):
        clients = [await connected(system) for _ in range(CROWD)]
        for client in clients:
            client.sendall(parts[sent])
        await asyncio.sleep(0.2)
        for client in clients:
            client.close()
    found = await rally.client.get("/v1/push/subscription", headers=bearer(phone))
    assert found.status_code == 404


async def test_bad_input_71_who_hangs_up_before_the_answer_may_have_been_heard(
    rally: Rally, system: RunningSystem, owner: asyncpg.Connection
) -> None:
    phones = [Phone.new(endpoint) for endpoint in await rally.push.subscribe(CROWD)]
    async with nothing_left(rally, system, owner):
        for phone in phones:
            client = await connected(system)
            client.sendall(b"".join(subscription(rally, phone)))
            client.close()
    for phone in phones:
        assert (await rally.renew(phone)).status_code == 200
        gone = await rally.client.delete("/v1/push/subscription", headers=bearer(phone))
        assert gone.status_code == 204


async def test_bad_input_71_who_stops_watching_is_not_looked_up_anything_any_more(
    rally: Rally, system: RunningSystem, owner: asyncpg.Connection
) -> None:
    alert = await rally.compose()
    watch = request("GET", f"/v1/alerts/{alert}/live", rally.composer.headers)
    async with nothing_left(rally, system, owner):
        clients = [await connected(system) for _ in range(CROWD)]
        for client in clients:
            client.sendall(watch)
        for client in clients:
            client.settimeout(SETTLE_SECONDS)
            assert await asyncio.to_thread(client.recv, 1024)
        assert await is_asked(owner)
        for client in clients:
            client.close()
    assert not await is_asked(owner)


@asynccontextmanager
async def nothing_left(
    rally: Rally, system: RunningSystem, owner: asyncpg.Connection
) -> AsyncGenerator[None]:
    """Check that files, connections and statements are back where they were before."""
    assert (await rally.client.get("/v1/places")).status_code == 200
    before = system.api.files() - await count(owner, CONNECTIONS)
    yield
    assert (await rally.client.get("/v1/places")).status_code == 200

    async def settled() -> bool:
        opened = await count(owner, CONNECTIONS)
        assert opened <= POOL_SIZE
        return not await count(owner, BUSY) and system.api.files() - opened <= before

    await until(settled, SETTLE_SECONDS)


async def count(owner: asyncpg.Connection, statement: str) -> int:
    """The number that a statement gives."""
    return int(await owner.fetchval(statement) or 0)


async def connected(system: RunningSystem) -> socket.socket:
    """A connection to the API that is reset when it is closed."""
    address = urlsplit(system.origin)
    assert address.hostname is not None
    client = socket.create_connection((address.hostname, address.port or 80))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    return client


def subscription(rally: Rally, phone: Phone) -> tuple[bytes, bytes]:
    """Headers and body of a phone's request to be told of a rally."""
    body = msgspec.json.encode(
        {
            "subscription": phone.subscription(),
            "series": str(rally.series),
            "language": "ko",
            "audience": "volunteers",
        }
    )
    fields = bearer(phone) | {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    return request("PUT", "/v1/push/subscription", fields), body


def request(method: str, path: str, fields: dict[str, str]) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: rally.example"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def is_asked(owner: asyncpg.Connection) -> bool:
    """Whether the API asks Postgres anything for a while."""
    before = await owner.fetchval(LAST_QUERY)
    await asyncio.sleep(LOOKS_SECONDS)
    return bool(await owner.fetchval(LAST_QUERY) != before)


async def test_an_api_that_is_told_to_go_does_not_wait_for_those_who_watch(
    rally: Rally, system: RunningSystem
) -> None:
    alert = await rally.compose()
    live = f"/v1/alerts/{alert}/live"
    async with rally.client.stream("GET", live, headers=rally.composer.headers) as stream:
        await anext(stream.aiter_lines())
        system.api.send(signal.SIGTERM)
        assert await system.api.ended(GO_SECONDS) == 0
