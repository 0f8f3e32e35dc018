"""P7: the inventory explains everything that there is, and nothing that there is not."""

import json
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from redis.asyncio import Redis

from backend.core.logs import ALLOWED_FIELDS
from backend.embedded import EmbeddedSystem
from backend.retention.inventory import Inventory, inventory, sections
from tests.privacy import places
from tests.privacy.rally_day import RallyDay

ROLES = {"api": "exit10_api", "worker": "exit10_worker", "maint": "exit10_maint"}
TOLD = inventory()
NOT_ALWAYS_THERE = {"programs/"}
"""Folders that are always made, and stay empty where they are not needed."""
NOT_ON_THAT_DAY = {"exit10:geocoder-turn"}
"""Keys of what the operator has to turn on."""


class Compared(frozenset[str]):
    """Names that only one of two sides knows."""


def compare(found: Iterable[str], explained: Iterable[str]) -> tuple[Compared, Compared]:
    """What is there without an explanation, and what is explained without being there."""
    found, explained = set(found), set(explained)
    unexplained = {
        name for name in found if not any(_covers(pattern, name) for pattern in explained)
    }
    missing = {
        pattern for pattern in explained if not any(_covers(pattern, name) for name in found)
    }
    return Compared(unexplained), Compared(missing)


def _covers(pattern: str, name: str) -> bool:
    return name.startswith(pattern) if pattern.endswith("/") else fnmatch(name, pattern)


AGREED = (Compared(), Compared())


async def columns(owner: asyncpg.Connection) -> set[str]:
    """Every column of every table and view that is not Postgres' own."""
    rows = await owner.fetch(
        "select table_name || '.' || column_name from information_schema.columns"
        " where table_schema not in ('pg_catalog', 'information_schema')"
    )
    return {row[0] for row in rows}


def explained_columns(told: Inventory) -> set[str]:
    return {f"{name}.{column}" for name, table in told.tables.items() for column in table.columns}


def labelled(shown: str) -> set[str]:
    """Every metric of an exposition, and each of its labels as `metric{label}`."""
    found: set[str] = set()
    for family in text_string_to_metric_families(shown):
        found.add(family.name)
        found |= {
            f"{family.name}{{{label}}}" for sample in family.samples for label in sample.labels
        }
    return found


def explained_metrics(told: Inventory) -> set[str]:
    return {
        name
        for family, said in told.metrics.families.items()
        for name in (family, *(f"{family}{{{label}}}" for label in said.labels))
    }


async def test_every_column_is_explained(owner: asyncpg.Connection) -> None:
    assert compare(await columns(owner), explained_columns(TOLD)) == AGREED


async def test_who_is_said_to_read_a_column_is_who_may(owner: asyncpg.Connection) -> None:
    for name, table in TOLD.tables.items():
        for column, said in table.columns.items():
            readers = {
                reader
                for reader, role in ROLES.items()
                if await owner.fetchval(
                    "select has_column_privilege($1, $2, $3, 'select')", role, name, column
                )
            }
            assert readers == set(table.readers if said.readers is None else said.readers), (
                f"{name}.{column}"
            )


def test_every_key_and_channel_of_valkey_is_explained(day: RallyDay) -> None:
    unexplained, missing = compare(day.keys, TOLD.keys)
    assert unexplained == Compared()
    assert missing <= NOT_ON_THAT_DAY
    assert compare(day.channels, TOLD.channels) == AGREED


def test_every_log_field_is_explained(day: RallyDay) -> None:
    assert compare(ALLOWED_FIELDS, TOLD.logs.fields) == AGREED
    written = {field for lines in day.events.values() for line in lines for field in line}
    assert compare(written, TOLD.logs.fields)[0] == Compared()
    assert len(written) > 5


def test_every_metric_and_label_is_explained(day: RallyDay) -> None:
    found = labelled(day.metrics["api"]) | labelled(day.metrics["worker"])
    assert compare(found, explained_metrics(TOLD)) == AGREED


def test_every_file_of_the_state_folder_is_explained(day: RallyDay) -> None:
    on_the_way = {f"{part.rpartition('/')[0]}/" for part in TOLD.files if "/" in part}
    found = {name for name in day.files if name not in on_the_way or name in TOLD.files}
    unexplained, missing = compare(found, TOLD.files)
    assert unexplained == Compared()
    assert missing - NOT_ALWAYS_THERE == set()


async def test_an_unexplained_column_is_found(owner: asyncpg.Connection) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("alter table subscription add column arrived_at timestamptz")
    await owner.execute("create view crowd as select id as member from subscription")
    await owner.execute("alter table alert drop column sent_at")
    unexplained, missing = compare(await columns(owner), explained_columns(TOLD))
    assert unexplained == {"subscription.arrived_at", "crowd.member"}
    assert missing == {"alert.sent_at"}
    await transaction.rollback()


async def test_an_unexplained_key_or_channel_is_found(redis: Redis, system: EmbeddedSystem) -> None:
    await redis.set("session:203.0.113.7", "1")
    async with redis.pubsub() as listener:
        await listener.subscribe("exit10:phones")
        await listener.get_message(timeout=1.0)
        channels, keys = await places.names(system.valkey)
    assert compare(keys, TOLD.keys)[0] == {"session:203.0.113.7"}
    assert "exit10:phones" in compare(channels, TOLD.channels)[0]
    await redis.flushall()


def test_an_unexplained_metric_or_label_is_found(day: RallyDay) -> None:
    registry = CollectorRegistry()
    Counter("exit10_phones", "Phones", ("client",), registry=registry).labels("127.0.0.1").inc()
    Counter("exit10_pushes", "Pushes", ("outcome", "endpoint"), registry=registry).labels("", "")
    unexplained, missing = compare(
        labelled(generate_latest(registry).decode()), explained_metrics(TOLD)
    )
    assert unexplained == {"exit10_phones", "exit10_phones{client}", "exit10_pushes{endpoint}"}
    assert "exit10_requests{route}" in missing


@pytest.mark.parametrize("field", ["ip", "endpoint"])
def test_an_unexplained_log_field_is_found(field: str) -> None:
    assert compare(ALLOWED_FIELDS | {field}, TOLD.logs.fields) == ({field}, set())
    assert compare(ALLOWED_FIELDS - {"route"}, TOLD.logs.fields) == (set(), {"route"})


def test_an_unexplained_file_is_found(day: RallyDay) -> None:
    found = day.files | {"access.log", "keyring/epoch-2900.key.bak"}
    assert {"access.log", "keyring/epoch-2900.key.bak"} <= compare(found, TOLD.files)[0]
    assert "token.key" in compare(day.files - {"token.key"}, TOLD.files)[1]


def test_every_explanation_is_complete() -> None:
    lines = [line for each in sections(TOLD).values() for line in each]
    assert len(lines) > 100
    assert [line.name for line in lines if not (line.holds and line.why and line.kept)] == []
    assert all(line.readers for line in lines if not line.name.startswith(("schema_", "version")))


def asked(*words: str) -> str:
    """What the command prints without any setting."""
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", "privacy", *words],
        env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_anyone_can_print_it() -> None:
    shown = asked("inventory")
    for heading, lines in sections(TOLD).items():
        assert heading in shown
        assert [line.name for line in lines if len(line.name) < 25 and line.name not in shown] == []
    assert "28 days after the week" in shown


def test_scripts_get_one_object() -> None:
    told = json.loads(asked("inventory", "--json"))
    assert set(told) >= {"tables", "channels", "logs", "metrics", "files"}
    assert told["tables"]["subscription"]["columns"]["box"]["readers"] == ["worker"]


def test_help_says_what_it_is() -> None:
    assert "inventory" in asked("--help")
    assert "--json" in asked("inventory", "--help")
