"""Explains all that is kept or said: tables, Valkey, logs, metrics, files. The text is data.

It only explains. What holds it against the running system is a test, which fails on anything that
is unexplained and on anything that is explained and does not exist.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

FILE = Path(__file__).with_name("inventory.toml")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column or a field. What it does not say for itself it shares with what it is part of."""

    holds: str
    why: str | None = None
    kept: str | None = None
    readers: tuple[str, ...] | None = None


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A channel, a key, or a file."""

    holds: str
    why: str
    kept: str
    readers: tuple[str, ...]
    participants: bool = False
    """Whether it is about people who take part: such things have no time of arrival."""


class Table(Thing, frozen=True, omit_defaults=True):
    """A table and its columns. Readers are the roles `exit10_…` that may select."""

    columns: dict[str, Part] = {}


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A metric and what its labels say."""

    holds: str
    labels: dict[str, str] = {}


class Logs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every field that a log line may have."""

    holds: str
    why: str
    kept: str
    readers: tuple[str, ...]
    fields: dict[str, Part]


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every metric that a process may show."""

    holds: str
    why: str
    kept: str
    readers: tuple[str, ...]
    families: dict[str, Family]


class Inventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is kept or said, by name. Keys, channels and files are patterns with `*`."""

    tables: dict[str, Table]
    logs: Logs
    metrics: Metrics
    files: dict[str, Thing]
    channels: dict[str, Thing] = {}
    keys: dict[str, Thing] = {}


class Line(NamedTuple):
    """One explanation, complete: nothing is left to be looked up elsewhere."""

    name: str
    holds: str
    why: str
    kept: str
    readers: tuple[str, ...]
    depth: int = 0
    """0 stands for itself; what is deeper belongs to the last line before it that is not."""


@cache
def inventory() -> Inventory:
    """The inventory of this version."""
    return msgspec.convert(tomllib.loads(FILE.read_text("utf-8")), Inventory)


def sections(told: Inventory) -> dict[str, list[Line]]:
    """The inventory as people read it: headings, and under each what there is."""
    return {
        "Tables of Postgres": [
            line
            for name, table in told.tables.items()
            for line in (_line(name, table), *_parts(table.columns, table))
        ],
        "Keys of Valkey or Redis": _things(told.keys),
        "Channels of Valkey or Redis": _things(told.channels),
        "Fields of log lines": [
            _line("(all of them)", told.logs),
            *_parts(told.logs.fields, told.logs),
        ],
        "Metrics": [
            _line("(all of them)", told.metrics),
            *(line for each in told.metrics.families.items() for line in _family(*each, told)),
        ],
        "Files of the state folder": _things(told.files),
    }


Whole = Thing | Logs | Metrics


def _things(things: Mapping[str, Thing]) -> list[Line]:
    return [_line(name, thing) for name, thing in things.items()]


def _family(name: str, family: Family, told: Inventory) -> list[Line]:
    labels = {label: Part(said) for label, said in family.labels.items()}
    return [
        *_parts({name: Part(family.holds)}, told.metrics),
        *_parts(labels, told.metrics, depth=2),
    ]


def _line(name: str, whole: Whole) -> Line:
    return Line(name, whole.holds, whole.why, whole.kept, whole.readers)


def _parts(parts: Mapping[str, Part], whole: Whole, depth: int = 1) -> list[Line]:
    return [
        Line(
            name,
            part.holds,
            part.why or whole.why,
            part.kept or whole.kept,
            whole.readers if part.readers is None else part.readers,
            depth,
        )
        for name, part in parts.items()
    ]
