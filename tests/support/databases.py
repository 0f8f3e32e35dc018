"""Copies of one migrated database, so that each test module begins on empty tables."""

from itertools import count
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from backend.core.migrate import migrate
from backend.embedded import EmbeddedSystem


class Databases:
    """Makes and drops databases on the system's cluster. Nobody may connect to the template."""

    def __init__(self, system: EmbeddedSystem) -> None:
        self._template = system.postgres.url
        self._numbers = count(1)
        migrate(self._template)

    async def copy(self) -> str:
        """A new database with all tables and no rows; gives its address."""
        name = f"rally_{next(self._numbers)}"
        await self._as_owner(f"create database {name} template {_name(self._template)}")
        return self._address(name)

    async def drop(self, url: str) -> None:
        """Drop a copy, whoever is still connected to it."""
        await self._as_owner(f"drop database {_name(url)} with (force)")

    async def _as_owner(self, statement: str) -> None:
        connection = await asyncpg.connect(self._address("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _address(self, name: str) -> str:
        return urlunsplit(urlsplit(self._template)._replace(path=f"/{name}"))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
