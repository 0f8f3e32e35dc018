"""Each process acts under its own role, and Postgres itself keeps it to that."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from backend.core.database import Role
from backend.core.sql import Queries
from tests.support.pools import PoolAs

ROLES: tuple[Role, ...] = ("exit10_api", "exit10_worker", "exit10_maint")


@pytest.mark.parametrize("role", ROLES)
async def test_a_process_acts_as_its_role(pool_as: PoolAs, role: Role) -> None:
    pool = await pool_as(role)
    assert await pool.fetchval("select current_user") == role
    assert await pool.fetchval("show timezone") == "UTC"
    for forbidden in ("create table rumour (a int)", "drop table alert", "truncate subscription"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(forbidden)


async def test_the_api_cannot_read_a_box(pool_as: PoolAs) -> None:
    api, worker = await pool_as("exit10_api"), await pool_as("exit10_worker")
    await worker.fetch("select box from subscription")
    await api.fetch("select id, epoch, series, audience, language, expires_on from subscription")
    for statement in (
        "select box from subscription",
        "select * from subscription",
        "select length(box) from subscription",
        "update subscription set language = 'ko' where box is not null",
        "insert into subscription select * from subscription",
        "copy subscription to stdout",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(statement)


@pytest.mark.parametrize("role", ["exit10_api", "exit10_maint"])
async def test_only_the_worker_publishes_or_reads_what_is_its_own(
    pool_as: PoolAs, role: Role
) -> None:
    pool = await pool_as(role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("select box from subscription")


async def test_json_is_written_and_read_as_it_is(pool_as: PoolAs) -> None:
    pool = await pool_as("exit10_api")
    texts = {"ko": {"title": "강남역 10번 출구"}, "en": {"title": "Exit 10"}, "n": [1, None, 2.5]}
    assert await pool.fetchval("select $1::jsonb", texts) == texts


class Row(msgspec.Struct, frozen=True):
    """What the statement below gives."""

    id: str
    at: datetime


async def test_statements_are_called_by_name(
    pool_as: PoolAs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("sql") / "queries.sql"
    path.write_text(
        "-- name: meet(id, at)^\nselect :id::text as id, :at::timestamptz as at;\n"
        "-- name: nobody(id)^\nselect :id::text as id, now() as at where false;\n",
        "utf-8",
    )
    queries, pool = Queries(path), await pool_as("exit10_api")
    at, place = datetime(2024, 8, 30, 10, tzinfo=UTC), str(uuid4())
    assert await queries.one(pool, "meet", Row, id=place, at=at) == Row(place, at)
    assert await queries.all(pool, "meet", Row, id=place, at=at) == [Row(place, at)]
    assert await queries.value(pool, "meet", id=place, at=at) == place
    assert await queries.one(pool, "nobody", Row, id=place) is None
    for name, parameters in (("meet", {"id": place}), ("nobody", {"id": place, "at": at})):
        with pytest.raises(LookupError):
            await queries.one(pool, name, Row, **parameters)
    with pytest.raises(LookupError):
        await queries.one(pool, "elsewhere", Row)
