"""Phones that subscribe over the public API, and what somebody with a copy could open of them."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date
from itertools import count
from uuid import UUID

import asyncpg
import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backend.alerts.boxes import BoxContext, Destination, open_destination
from backend.core.keyring import Keyring
from backend.core.sealing import BoxError
from backend.drill.phones import Phone
from tests.events.gatherings import FRIDAY_PLAN, put
from tests.support.organisers import OrganiserInHand

_numbers = count(1)


async def subscribed(
    client: httpx.AsyncClient, organiser: OrganiserInHand, series: UUID, phones: int
) -> list[Phone]:
    """Phones that follow a series, which is scheduled first."""
    scheduled = await put(client, organiser.headers, FRIDAY_PLAN, series)
    assert scheduled.status_code == 201, scheduled.text
    crowd = [
        Phone.new(f"https://updates.push.services.mozilla.com/wpush/v2/{next(_numbers):032x}")
        for _ in range(phones)
    ]
    for phone in crowd:
        answer = await client.put(
            "/v1/push/subscription",
            json={"subscription": phone.subscription(), "series": str(series)},
            headers={"Authorization": f"Bearer {phone.token}"},
        )
        assert answer.status_code == 200, answer.text
    return crowd


async def opened(
    connection: asyncpg.Connection, keys: Iterable[X25519PrivateKey]
) -> dict[UUID, Destination]:
    """Every box in a database that one of the keys opens, by its row."""
    keys = list(keys)
    found: dict[UUID, Destination] = {}
    for row in await connection.fetch("select * from subscription"):
        context = BoxContext(
            row["id"], row["epoch"], row["series"], row["audience"], row["language"]
        )
        for key in keys:
            try:
                found[row["id"]] = open_destination(row["box"], key, context)
            except BoxError:
                continue
    return found


def keys_of(keyring: Keyring) -> list[X25519PrivateKey]:
    """Every epoch's private key that a keyring still holds."""
    keys = [keyring.epoch_key(epoch) for epoch in keyring.epochs()]
    return [key for key in keys if key is not None]


async def everything_in(connection: asyncpg.Connection) -> set[bytes]:
    """Every value of every row of a database, as bytes."""
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    values: set[bytes] = set()
    for table in tables:
        for row in await connection.fetch(f"select * from {table['tablename']}"):  # noqa: S608
            values |= {_as_bytes(value) for value in row.values()}
    return values


def keys_that_could_be(material: Iterable[bytes]) -> list[X25519PrivateKey]:
    """Every key that somebody would try who has some bytes: each of them, hashed, and keyed."""
    known = set(material)
    secrets = {each for each in known if len(each) == 32}
    tried = secrets | {hashlib.sha256(each).digest() for each in known}
    for secret in secrets:
        tried |= {hmac.new(secret, each, hashlib.sha256).digest() for each in secrets}
    return [X25519PrivateKey.from_private_bytes(each) for each in tried]


def _as_bytes(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case UUID():
            return value.bytes
        case date():
            return value.isoformat().encode()
        case _:
            return str(value).encode()
