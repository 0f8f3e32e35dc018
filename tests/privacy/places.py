"""Everything in which a canary could be left: how to read it whole, and how to plant a leak in it.

Leaks are planted by the means by which real ones would come about, as far as there are any.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.exposition import generate_latest
from redis.asyncio import Redis

from backend.embedded import EmbeddedValkey
from tests.privacy.backups import pg_dump
from tests.privacy.canaries import Form
from tests.privacy.stage import Stage

Leak = tuple[Form, bytes]

LOGS = {"postgres": "Postgres' log", "valkey": "Valkey's log", "api": "output of the API"} | {
    "worker": "output of the worker"
}
TEXT_ONLY = frozenset({"metrics of the api", "metrics of the worker"})
"""Places in which there can be no bytes that are not text."""
PLACES = (
    "pg_dump",
    "what Postgres knows of its data and sessions",
    "Postgres' data folder",
    "Postgres' write-ahead log",
    "Postgres' statistics on disk",
    *LOGS.values(),
    "Valkey's keys",
    "commands to Valkey",
    "answers",
    *sorted(TEXT_ONLY),
    "the rest of the state folder",
)

_QUESTIONS = ("INFO EVERYTHING", "CLIENT LIST", "ACL LOG", "SLOWLOG GET", "CONFIG GET *")
_COPIES = 3
"""A page of the write-ahead log may end in the middle of one."""
_HEX = re.compile(rb"\\x([0-9a-f]{2,})")
_ESCAPED = re.compile(rb"\\(?:x([0-9a-f]{2})|(.))")
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


async def running(stage: Stage, leaks: list[Leak]) -> dict[str, list[bytes]]:
    """What Postgres hands out while it runs, with leaks in a table of their own."""
    owner = await asyncpg.connect(_as_superuser(stage))
    try:
        await owner.execute("create table planted (note text, octets bytea)")
        rows = [(leak.decode() if form.text else None, leak) for form, leak in leaks]
        await owner.executemany("insert into planted values ($1, $2)", rows * _COPIES)
        await owner.execute("analyze")
        known = [
            record[0]
            for view in ("pg_stats", "pg_stat_activity", "pg_prepared_statements", "pg_settings")
            for record in await owner.fetch(f"select {view}::text from {view}")  # noqa: S608
        ]
    finally:
        await owner.close()
    dump = pg_dump(_as_superuser(stage))
    return {
        "pg_dump": [dump, *_unhexed(dump)],
        PLACES[1]: [text := "\n".join(known).encode(), *_unhexed(text)],
    }


def stopped(stage: Stage, leaks: list[bytes]) -> dict[str, list[bytes]]:
    """What lies on disk when everything has ended."""
    home = stage.system.home
    data = home.data / "data"
    for name in LOGS:
        with stage.log(name).open("ab") as file:
            for leak in leaks:
                structlog.BytesLogger(file).msg(leak)
    (data / "pg_stat" / "planted").write_bytes(b"\n".join(leaks))
    (home.config / "planted").write_bytes(b"\n".join(leaks))
    wal, statistics = data / "pg_wal", data / "pg_stat"
    apart = (home.data, home.log, home.programs)
    return {
        "Postgres' data folder": _contents(data, without=(wal, statistics)),
        "Postgres' write-ahead log": _contents(wal),
        "Postgres' statistics on disk": _contents(statistics),
        **{
            place: [path.read_bytes() for path in home.log.glob(f"{name}.*")]
            for name, place in LOGS.items()
        },
        "the rest of the state folder": _contents(home.path, without=apart),
    }


def events(log: Path) -> list[dict[str, Any]]:
    """The lines of one of our own processes, which are JSON and nothing else."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


@asynccontextmanager
async def commands(valkey: EmbeddedValkey) -> AsyncGenerator[bytearray]:
    """All that anybody asks of Valkey meanwhile, as its administrator would watch it."""
    parts = urlsplit(valkey.admin_url)
    reader, writer = await asyncio.open_unix_connection(unquote(parts.path))
    writer.write(f"AUTH {parts.username} {parts.password}\r\nMONITOR\r\n".encode())
    assert [await reader.readline() for _ in range(2)] == [b"+OK\r\n"] * 2
    heard = bytearray()

    async def listen() -> None:
        while line := await reader.readline():
            heard.extend(line)

    listening = asyncio.create_task(listen())
    try:
        yield heard
        await asyncio.sleep(0.2)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        writer.close()


def unescaped(heard: bytes) -> bytes:
    """What MONITOR shows, with its escapes undone."""
    return _ESCAPED.sub(
        lambda found: (
            bytes.fromhex(found[1].decode()) if found[1] else _SHORT.get(found[2], found[2])
        ),
        heard,
    )


async def names(valkey: EmbeddedValkey) -> tuple[set[str], set[str]]:
    """The channels that are listened to, and the keys."""
    async with Redis.from_url(valkey.admin_url) as admin:
        channels = await admin.execute_command("PUBSUB", "CHANNELS")
        keys = [key async for key in admin.scan_iter()]
    return {each.decode() for each in channels or ()}, {each.decode() for each in keys}


async def plant_keys(valkey: EmbeddedValkey, leaks: Iterable[Leak]) -> None:
    """Put a leak in each kind of value, by turns."""
    async with Redis.from_url(valkey.url) as client:
        for number, (_, leak) in enumerate(leaks):
            match number % 5:
                case 0:
                    await client.set(f"planted:{number}", leak)
                case 1:
                    await client.execute_command("HSET", f"planted:{number}", leak, b"1")
                case 2:
                    await client.execute_command("RPUSH", f"planted:{number}", leak)
                case 3:
                    await client.execute_command("SADD", f"planted:{number}", leak)
                case _:
                    await client.execute_command("SET", b"planted:" + leak, b"1")


async def values(valkey: EmbeddedValkey) -> list[bytes]:
    """All that Valkey holds: names, values, and what it knows of its clients and of its past."""
    async with Redis.from_url(valkey.admin_url) as admin:
        await admin.config_set("rdbcompression", "no")
        held = [part async for key in admin.scan_iter() for part in (key, await admin.dump(key))]
        told = [await admin.execute_command(*question.split(" ")) for question in _QUESTIONS]
    return [*(each for each in held if each), *(repr(each).encode() for each in told)]


def metric(leaks: Iterable[Leak]) -> bytes:
    """How leaks would look as labels."""
    registry = CollectorRegistry()
    counter = Counter("planted", "Leaks", ("label",), registry=registry)
    for form, leak in leaks:
        if form.text:
            counter.labels(leak.decode()).inc()
    return generate_latest(registry)


def _contents(folder: Path, without: tuple[Path, ...] = ()) -> list[bytes]:
    return [
        path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(path.is_relative_to(each) for each in without)
    ]


def _unhexed(dump: bytes) -> list[bytes]:
    """The bytes that Postgres shows as hexadecimal digits."""
    return [bytes.fromhex(each.decode()) for each in _HEX.findall(dump) if len(each) % 2 == 0]


def _as_superuser(stage: Stage) -> str:
    return stage.system.postgres.url.replace("//exit10@", "//postgres@")
