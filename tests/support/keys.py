"""A keyring with the first epoch and the signing key, their public halves in Postgres."""

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.keyring import Keyring


async def published_keyring(folder: Path, pool: Pool, clock: Clock) -> Keyring:
    """Make the keys in `folder` (mode 0700) and publish them as the worker does."""
    keyring = Keyring(folder)
    today = clock().date()
    monday = today - timedelta(days=today.weekday())
    await pool.execute(
        "insert into epoch (id, public_key, starts_on, ends_on) values (1, $1, $2, $3)"
        " on conflict do nothing",
        keyring.make_epoch_key(1).public_key().public_bytes_raw(),
        monday,
        monday + timedelta(days=7),
    )
    await pool.execute(
        "insert into vapid_key (public_key) values ($1) on conflict do nothing",
        keyring.vapid_key()
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
    )
    return keyring
