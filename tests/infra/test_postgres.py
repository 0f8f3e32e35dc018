"""infra's Postgres really starts: says nothing of what clients send, and keeps each login small."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from backend.core.database import open_pool
from backend.core.migrate import migrate
from backend.settings import Secret, Settings
from tests.architecture.house import ROOT
from tests.infra.servers import InfraPostgres

FOLDER = ROOT / "infra" / "postgres"
CANARY = "canary-of-exit-10"
MOVED = {"listen_addresses", "unix_socket_directories"}
"""What a test must set differently: several clusters share this machine."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[InfraPostgres]:
    """A cluster with infra's settings and logins, migrated by its owner."""
    with InfraPostgres(FOLDER) as server:
        migrate(server.url("exit10"))
        yield server


async def connect(postgres: InfraPostgres, login: str) -> asyncpg.Connection:
    """A connection of one of the logins, by the password in its file."""
    return await asyncpg.connect(postgres.url(login))


def settings_in(text: str) -> dict[str, str]:
    """Names and values of a postgresql.conf."""
    return dict(re.findall(r"^(\w+) = '?([^'\n]*)'?$", text, re.MULTILINE))


async def test_every_setting_is_taken_as_it_is_written(postgres: InfraPostgres) -> None:
    written = settings_in((FOLDER / "postgresql.conf").read_text("utf-8"))
    assert len(written) > 40
    owner = await asyncpg.connect(postgres.superuser_url)
    try:
        rows = await owner.fetch("select name, error from pg_file_settings")
        assert {row["name"] for row in rows} == written.keys()
        assert {row["name"] for row in rows if row["error"]} == MOVED
    finally:
        await owner.close()


async def test_a_failing_statement_leaves_no_word_in_the_log(postgres: InfraPostgres) -> None:
    connection = await connect(postgres, "exit10")
    try:
        with pytest.raises(asyncpg.DataError):
            await connection.fetch("select $1::text::integer", CANARY)
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.execute(f'table "{CANARY}"')
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "insert into organiser (id, handle, role, trusted_from)"
                " values (gen_random_uuid(), $1, 'x', now())",
                CANARY,
            )
    finally:
        await connection.close()
    assert CANARY not in postgres.log()


async def test_a_talkative_log_would_be_noticed(tmp_path: Path) -> None:
    talkative = tmp_path / "postgres"
    talkative.mkdir()
    for name in ("logins.sql", "postgresql.conf"):
        (talkative / name).write_bytes((FOLDER / name).read_bytes())
    with (talkative / "postgresql.conf").open("a") as file:
        file.write("log_min_messages = error\nlog_min_error_statement = error\n")
    with InfraPostgres(talkative) as postgres:
        connection = await connect(postgres, "exit10")
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.execute(f'table "{CANARY}"')
        await connection.close()
        assert CANARY in postgres.log()


@pytest.mark.parametrize(
    ("login", "role"),
    [("api", "exit10_api"), ("worker", "exit10_worker"), ("exit10", "exit10_maint")],
)
async def test_each_process_gets_its_role(postgres: InfraPostgres, login: str, role: str) -> None:
    settings = Settings(
        database_url=Secret(postgres.url(login).encode()),
        redis_url=Secret(b"redis://localhost"),
        token_key=Secret(bytes(32)),
    )
    pool = await open_pool(settings, role, size=1)  # pyright: ignore[reportArgumentType]
    try:
        assert await pool.fetchval("select current_user::text") == role
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("login", "statement"),
    [
        ("api", "set role exit10_worker"),
        ("api", "set role exit10_maint"),
        ("api", "set role exit10"),
        ("api", "table public.subscription"),
        ("api", "set role exit10_api; select box from subscription"),
        ("api", "set role exit10_api; create table loot (id integer)"),
        ("api", "create role burglar"),
        ("api", "create table public.loot (id integer)"),
        ("api", "copy organiser to program 'cat'"),
        ("worker", "set role exit10_api"),
        ("worker", "set role exit10"),
        ("worker", "set role exit10_worker; update organiser set handle = 'x'"),
    ],
)
async def test_a_stolen_login_opens_no_other_door(
    postgres: InfraPostgres, login: str, statement: str
) -> None:
    connection = await connect(postgres, login)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(postgres: InfraPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("api", password="wrong"))


def test_the_file_is_understood_without_a_server(postgres: InfraPostgres) -> None:
    config = FOLDER / "postgresql.conf"
    done = subprocess.run(
        [
            *(postgres.program("postgres"), "-C", "log_error_verbosity"),
            *("-c", f"config_file={config}", "-D", postgres.data),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "terse")
