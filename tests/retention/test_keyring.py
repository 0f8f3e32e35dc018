"""A worker works with the keys that belong to its database, or not at all."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from backend.core.keyring import Keyring, KeyringError
from backend.retention.service import RetentionService
from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.pools import PoolAs


def empty_folder(path: Path) -> Path:
    path.chmod(0o700)
    return path


async def test_bad_input_76_a_keyring_of_another_database_is_refused(
    keyring: Keyring, pool_as: PoolAs, clock: SetClock, tmp_path: Path
) -> None:
    pool = await pool_as("exit10_worker")
    await RetentionService(pool, keyring, clock).check_keyring()
    folder = empty_folder(tmp_path)
    stranger = RetentionService(pool, Keyring(folder), clock)
    with pytest.raises(KeyringError, match="belongs to this database"):
        await stranger.ensure_epochs()
    assert Keyring(folder).epochs() == set()
    with pytest.raises(KeyringError, match="belongs to this database"):
        await stranger.publish_vapid_key(bytes(65))


@pytest.mark.parametrize("given", ["no setting", "no folder", "a strange folder"])
async def test_bad_input_76_a_worker_without_its_keys_changes_nothing_and_does_not_start(
    keyring: Keyring, settings: Settings, owner: asyncpg.Connection, tmp_path: Path, given: str
) -> None:
    empty_folder(tmp_path)
    before = await owner.fetch("table epoch")
    folder = {"no setting": "", "no folder": str(tmp_path / "x"), "a strange folder": str(tmp_path)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "backend.cli", "worker"],
        env={
            "PATH": os.environ["PATH"],
            "EXIT10_DATABASE_URL": settings.database_url.reveal().decode(),
            "EXIT10_REDIS_URL": settings.redis_url.reveal().decode(),
            "EXIT10_TOKEN_KEY": "A" * 43,
            "EXIT10_KEYRING": folder[given],
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert await owner.fetch("table epoch") == before
    assert done.returncode == 1
    assert "EXIT10_KEYRING" in done.stderr
    assert "Traceback" not in done.stderr
