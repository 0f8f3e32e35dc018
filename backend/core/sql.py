"""Loads a domain's queries.sql and runs its named statements with typed rows.

aiosql parses the files, so every statement also runs in psql; asyncpg prepares and runs them.
"""

from pathlib import Path
from typing import Any, TypeVar, cast

import aiosql
import msgspec
from aiosql.adapters.asyncpg import AsyncPGAdapter
from asyncpg import Connection, Pool
from asyncpg.pool import PoolConnectionProxy

Row = TypeVar("Row", bound=msgspec.Struct)
Executor = Pool | Connection | PoolConnectionProxy
"""Anything that runs a statement: the pool (its own short transaction) or a held connection."""


class Queries:
    """The named statements of one domain.

    Args of each method: `on`, what runs it; `name`, the statement; then its parameters by name.
    A wrong name or parameter raises `LookupError` before anything is sent.
    """

    def __init__(self, path: Path) -> None:
        adapter = AsyncPGAdapter()
        loaded = aiosql.from_path(path, lambda: cast("Any", adapter), mandatory_parameters=False)
        self._statements: dict[str, tuple[str, tuple[str, ...]]] = {}
        for name in loaded.available_queries:
            if not name.endswith("_cursor"):
                text: str = getattr(loaded, name).sql
                self._statements[name] = (text, tuple(adapter.var_sorted[name]))

    @classmethod
    def beside(cls, module_file: str) -> "Queries":
        """The queries.sql in the folder of `module_file`."""
        return cls(Path(module_file).with_name("queries.sql"))

    def _bind(self, name: str, parameters: dict[str, object]) -> tuple[str, list[object]]:
        text, names = self._statements[name]
        if set(names) != parameters.keys():
            raise LookupError(f"{name} takes {sorted(names)}, not {sorted(parameters)}")
        return text, [parameters[each] for each in names]

    async def all(self, on: Executor, name: str, row: type[Row], **parameters: object) -> list[Row]:
        """Every row, in the statement's order."""
        text, values = self._bind(name, parameters)
        return [_as(row, record) for record in await on.fetch(text, *values)]

    async def one(
        self, on: Executor, name: str, row: type[Row], **parameters: object
    ) -> Row | None:
        """The first row, or None."""
        text, values = self._bind(name, parameters)
        record = await on.fetchrow(text, *values)
        return None if record is None else _as(row, record)

    async def value(self, on: Executor, name: str, **parameters: object) -> Any:
        """The first column of the first row, or None; the caller narrows it."""
        text, values = self._bind(name, parameters)
        return await on.fetchval(text, *values)

    async def run(self, on: Executor, name: str, **parameters: object) -> int:
        """Run a statement that returns nothing; gives the number of rows it touched."""
        text, values = self._bind(name, parameters)
        status = await on.execute(text, *values)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0


def _as(row: type[Row], record: Any) -> Row:
    return row(**record)
