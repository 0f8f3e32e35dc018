"""P3 and P4: who copies the database, or breaks into the API, still reaches no phone."""

import base64
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest

from backend.core.keyring import Keyring
from backend.drill.phones import Phone
from backend.drill.system import free_port
from backend.settings import Settings
from tests.privacy.sealed import everything_in, keys_of, keys_that_could_be, opened, subscribed
from tests.support.organisers import MakeOrganiser
from tests.support.pools import PoolAs

PHONES = 5


@pytest.fixture(scope="module")
async def phones(
    client: httpx.AsyncClient, organiser: MakeOrganiser, keyring: Keyring
) -> list[Phone]:
    """Phones that follow the Friday series."""
    return await subscribed(client, await organiser("admin"), uuid4(), PHONES)


async def test_only_the_keyring_opens_boxes(
    phones: list[Phone], keyring: Keyring, owner: asyncpg.Connection
) -> None:
    found = await opened(owner, keys_of(keyring))
    assert {each.endpoint for each in found.values()} == {phone.endpoint for phone in phones}


async def test_the_whole_database_and_all_that_the_api_knows_open_nothing(
    phones: list[Phone], settings: Settings, keyring: Keyring, owner: asyncpg.Connection
) -> None:
    material = await everything_in(owner)
    material |= {settings.token_key.reveal(), base64.urlsafe_b64encode(settings.token_key.reveal())}
    material |= {value.encode() for value in os.environ.values()}
    guesses = keys_that_could_be(material)
    assert len(guesses) > 20
    assert await opened(owner, guesses) == {}
    private = keys_of(keyring)[0].private_bytes_raw()
    leaked = await opened(owner, keys_that_could_be({*material, private}))
    assert len(leaked) == PHONES, "a key among the guesses would have been noticed"


async def test_a_box_does_not_open_in_another_row(
    phones: list[Phone], keyring: Keyring, owner: asyncpg.Connection
) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("update subscription set language = 'en'")
    assert await opened(owner, keys_of(keyring)) == {}
    await transaction.rollback()


async def test_boxes_are_all_of_one_size(phones: list[Phone], owner: asyncpg.Connection) -> None:
    sizes = await owner.fetch("select distinct length(box) from subscription")
    assert len(sizes) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "select box from subscription",
        "select * from subscription",
        "select max(length(box)) from subscription",
        "select id from subscription where box = '\\x00'",
        "delete from subscription returning box",
        "update subscription set box = box",
        "update subscription set expires_on = expires_on returning box",
        "copy subscription (box) to stdout",
        "create table loot as select box from subscription",
    ],
)
async def test_the_api_s_role_cannot_read_a_box(
    phones: list[Phone], pool_as: PoolAs, statement: str
) -> None:
    api = await pool_as("exit10_api")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute(statement)


async def test_the_api_s_role_is_none_that_can(owner: asyncpg.Connection) -> None:
    others = await owner.fetch(
        "select rolname from pg_roles where pg_has_role('exit10_api', oid, 'member')"
        " and has_column_privilege(oid, 'subscription', 'box', 'select')"
    )
    assert others == []


async def test_the_worker_s_role_can(phones: list[Phone], pool_as: PoolAs) -> None:
    worker = await pool_as("exit10_worker")
    assert len(await worker.fetch("select box from subscription")) == PHONES


async def test_the_api_s_role_can_write_and_count(phones: list[Phone], pool_as: PoolAs) -> None:
    api = await pool_as("exit10_api")
    assert await api.fetchval("select count(*) from subscription") == PHONES


@pytest.fixture
def up() -> Iterator[dict[str, psutil.Process]]:
    """The processes of `exit10 up`, by their command."""
    with tempfile.TemporaryDirectory(prefix="exit10-p4-") as folder:
        Path(folder).chmod(0o711)
        bare = {name: value for name, value in os.environ.items() if not name.startswith("EXIT10_")}
        command = [sys.executable, "-m", "backend.cli", "up", "--home", f"{folder}/home"]
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{free_port()}"],
            env=bare,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout
            said = ""
            while "Ctrl-C stops everything" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            children = psutil.Process(process.pid).children(recursive=True)
            yield {
                each.cmdline()[3]: each
                for each in reversed(children)
                if "backend.cli" in each.cmdline()
            }
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_the_api_of_exit10_up_never_hears_of_the_keyring(up: dict[str, psutil.Process]) -> None:
    worker, api = up["worker"], up["serve"]
    keyring = worker.environ()["EXIT10_KEYRING"]
    keys = [path.read_bytes() for path in Path(keyring).iterdir()]
    assert keys
    for process in (api, *api.children(recursive=True)):
        told = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"EXIT10_DATABASE_URL" in told
        assert b"KEYRING" not in told
        assert keyring.encode() not in told
        assert not [key for key in keys if key in told]
        assert not [each.path for each in process.open_files() if each.path.startswith(keyring)]
