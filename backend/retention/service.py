"""Makes keys ahead of time, destroys them on time, and lets go of what has expired."""

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.keyring import Keyring, KeyringError
from backend.core.logs import log
from backend.retention import repository, rules

WRONG_KEYRING = (
    "EXIT10_KEYRING: this folder does not hold the keys that Postgres tells of. "
    "Give the worker the keyring that belongs to this database."
)


class RetentionService:
    """What the worker does with time. Idempotent, in any number of workers that share a keyring."""

    def __init__(self, pool: Pool, keyring: Keyring, clock: Clock) -> None:
        self._pool = pool
        self._keyring = keyring
        self._clock = clock

    async def check_keyring(self) -> None:
        """Make sure that this keyring belongs to this database.

        Raises:
            KeyringError: a published, living epoch's private key is not here.
        """
        today = self._clock().date()
        for epoch in await repository.epochs(self._pool):
            if epoch.id in rules.overdue({epoch.id}, today):
                continue
            key = self._keyring.epoch_key(epoch.id)
            if key is None or key.public_key().public_bytes_raw() != epoch.public_key:
                raise KeyringError(WRONG_KEYRING)

    async def ensure_epochs(self) -> None:
        """Make and publish this week's and next week's key where they are missing.

        Raises:
            KeyringError: the keyring belongs to another database.
        """
        await self.check_keyring()
        for epoch in rules.needed(self._clock().date()):
            key = self._keyring.make_epoch_key(epoch.id)
            await repository.insert_epoch(self._pool, epoch, key.public_key().public_bytes_raw())

    async def publish_vapid_key(self, public_key: bytes) -> None:
        """Publish the key that signs pushes.

        Raises:
            KeyringError: another one is published; phones subscribed with that.
        """
        if await repository.publish_vapid_key(self._pool, public_key) != public_key:
            raise KeyringError(WRONG_KEYRING)

    async def expire(self) -> int:
        """Forget expired subscriptions and destroy overdue keys; gives the number forgotten."""
        today = self._clock().date()
        for overdue in sorted(rules.overdue(self._keyring.epochs(), today)):
            self._keyring.destroy_epoch_key(overdue)
            log.info("epoch-key-destroyed", epoch=overdue)
        forgotten = await repository.delete_expired_subscriptions(self._pool, today)
        published = {epoch.id for epoch in await repository.epochs(self._pool)}
        for overdue in rules.overdue(published, today):
            await repository.delete_epoch(self._pool, overdue)
        return forgotten
