"""A worker's keys: private halves in a folder, public halves in Postgres."""

from pathlib import Path

from backend.alerts.webpush import public_point
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.keyring import Keyring
from backend.retention.service import RetentionService


async def published_keyring(folder: Path, pool: Pool, clock: Clock) -> Keyring:
    """Make the keys in `folder` (mode 0700) and publish them, as a worker does when it starts."""
    keyring = Keyring(folder)
    retention = RetentionService(pool, keyring, clock)
    await retention.ensure_epochs()
    await retention.publish_vapid_key(public_point(keyring.vapid_key()))
    return keyring
