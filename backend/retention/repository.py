"""Rows of epochs and expiry. The only reader of this domain's queries.sql."""

from datetime import date

import msgspec

from backend.core.sql import Executor, Queries
from backend.retention.rules import Epoch

_queries = Queries.beside(__file__)


class EpochRow(msgspec.Struct, frozen=True):
    """An epoch's public half."""

    id: int
    public_key: bytes
    starts_on: date
    ends_on: date


async def insert_epoch(on: Executor, epoch: Epoch, public_key: bytes) -> None:
    """Publish an epoch's public key; the one that is there stays."""
    await _queries.run(
        on,
        "insert_epoch",
        id=epoch.id,
        public_key=public_key,
        starts_on=epoch.starts_on,
        ends_on=epoch.ends_on,
    )


async def epochs(on: Executor) -> list[EpochRow]:
    """Every epoch that is published."""
    return await _queries.all(on, "epochs", EpochRow)


async def delete_epoch(on: Executor, id: int) -> None:
    """Forget an epoch that no subscription is sealed to."""
    await _queries.run(on, "delete_epoch", id=id)


async def publish_vapid_key(on: Executor, public_key: bytes) -> bytes:
    """Publish the signing key's public half; gives the one that is published."""
    await _queries.run(on, "insert_vapid_key", public_key=public_key)
    published = await _queries.value(on, "vapid_key")
    assert isinstance(published, bytes)  # noqa: S101 - just written
    return published


async def delete_expired_subscriptions(on: Executor, today: date) -> int:
    """Forget subscriptions that were not renewed."""
    return await _queries.run(on, "delete_expired_subscriptions", today=today)
