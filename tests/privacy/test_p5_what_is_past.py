"""P5: what is past is gone: its key from the keyring, and with the key every old backup."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from backend.core.keyring import Keyring
from backend.retention import rules
from backend.retention.service import RetentionService
from tests.privacy.backups import pg_dump, restore
from tests.privacy.sealed import keys_of, opened, subscribed
from tests.support.clock import SetClock
from tests.support.databases import Databases
from tests.support.organisers import MakeOrganiser
from tests.support.pools import PoolAs

PHONES = 3


@pytest.fixture
async def backup(
    client: httpx.AsyncClient,
    organiser: MakeOrganiser,
    keyring: Keyring,
    clock: SetClock,
    databases: Databases,
    database_url: str,
) -> AsyncIterator[asyncpg.Connection]:
    """A copy of the database from a week with phones, brought back much later."""
    await subscribed(client, await organiser("admin"), uuid4(), PHONES)
    dump = pg_dump(database_url)
    url = await databases.copy()
    connection = await asyncpg.connect(url)
    await connection.execute("drop schema public cascade; create schema public")
    restore(dump, url)
    yield connection
    await connection.close()
    await databases.drop(url)


async def test_bad_input_74_on_the_day_after_a_restored_backup_opens_nothing(
    backup: asyncpg.Connection,
    keyring: Keyring,
    clock: SetClock,
    pool_as: PoolAs,
    owner: asyncpg.Connection,
) -> None:
    retention = RetentionService(await pool_as("exit10_worker"), keyring, clock)
    epoch = rules.epoch_at(clock().date())
    ends = datetime.combine(epoch.destroyed_on, time(), UTC)
    held = keys_of(keyring)
    assert len(await opened(backup, held)) == PHONES

    clock.set(ends - timedelta(seconds=1))
    assert await retention.expire() == 0
    assert len(await opened(backup, keys_of(keyring))) == PHONES

    clock.set(ends)
    assert await retention.expire() == PHONES
    assert epoch.id not in keyring.epochs()
    assert await opened(backup, keys_of(keyring)) == {}
    assert await backup.fetchval("select count(*) from subscription") == PHONES
    assert await owner.fetchval("select count(*) from subscription") == 0
    assert len(await opened(backup, held)) == PHONES, "only the destroyed key would open them"

    assert await retention.expire() == 0


def test_a_subscription_never_outlives_its_key() -> None:
    for number in range(2850, 2960):
        epoch = rules.epoch_of(number)
        assert epoch.destroyed_on == epoch.ends_on + timedelta(days=28)
        assert rules.overdue({number}, epoch.destroyed_on) == {number}
        assert rules.overdue({number}, epoch.destroyed_on - timedelta(days=1)) == set()
