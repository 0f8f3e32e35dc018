"""What the worker is measured against, each in a process of its own: `baseline` and `floor`.

Both read the same sealed rows. The baseline is what a user of pywebpush would write; the floor is
the least work there is: open, encrypt, send, and keep no books.
"""

import asyncio
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pyreqwest.client import ClientBuilder
from pywebpush import webpush_async

from backend.alerts.boxes import BoxContext, Destination, open_destination
from backend.core.keyring import Keyring
from backend.drill.phones import base64url

IN_FLIGHT = 100
PAGE = 500
MESSAGE_BYTES = 2048
CONTACT = "mailto:rally@rally.example"


class Contender:
    """Reads rows page by page, opens boxes, and sends with `send`."""

    def __init__(self) -> None:
        self.series = UUID(os.environ["BENCHMARK_SERIES"])
        self.origin = os.environ["EXIT10_REHEARSAL_PUSH_ORIGIN"]
        self.authority = Path(os.environ["EXIT10_REHEARSAL_PUSH_CA"])
        keyring = Keyring(Path(os.environ["EXIT10_KEYRING"]))
        self.vapid = Vapid02(private_key=keyring.vapid_key())
        self.keys = {epoch: keyring.epoch_key(epoch) for epoch in keyring.epochs()}
        self.message = b"{" + b" " * (MESSAGE_BYTES - 2) + b"}"

    async def open(self) -> None:
        """Make the client ready."""

    async def send(self, destination: Destination) -> None:  # noqa: ARG002
        """Send the message to one phone."""
        raise LookupError("a contender says how it sends")

    async def close(self) -> None:
        """Let the client go."""

    async def run(self) -> None:
        """Wait for the word, then send to everybody."""
        await self.open()
        connection = await asyncpg.connect(os.environ["EXIT10_DATABASE_URL"])
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        last = UUID(int=0)
        while rows := await connection.fetch(
            "select id, epoch, series, audience, language, box from subscription"
            " where series = $1 and id > $2 order by id limit $3",
            self.series,
            last,
            PAGE,
        ):
            last = rows[-1]["id"]
            shared = iter(rows)
            await asyncio.gather(*(self._lane(shared) for _ in range(IN_FLIGHT)))
        await connection.close()
        await self.close()

    async def _lane(self, rows: Any) -> None:
        for row in rows:
            key = self.keys[row["epoch"]]
            if key is None:
                raise LookupError("no key")
            context = BoxContext(
                row["id"], row["epoch"], row["series"], row["audience"], row["language"]
            )
            await self.send(open_destination(row["box"], key, context))


class Baseline(Contender):
    """`webpush_async` with one shared aiohttp session and one Vapid object."""

    async def open(self) -> None:
        """One session that trusts the rehearsal's push service."""
        trust = ssl.create_default_context(cafile=str(self.authority))
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=IN_FLIGHT)
        )

    async def send(self, destination: Destination) -> None:
        """As pywebpush's documentation shows."""
        answer: Any = await webpush_async(
            subscription_info={
                "endpoint": destination.endpoint,
                "keys": {
                    "p256dh": base64url(destination.p256dh),
                    "auth": base64url(destination.auth),
                },
            },
            data=self.message,  # type: ignore[arg-type]  # bytes are what it encodes
            vapid_private_key=self.vapid,
            vapid_claims={"sub": CONTACT},
            ttl=3600,
            aiohttp_session=self.session,
        )
        answer.release()

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()


class Floor(Contender):
    """Bare `cryptography` and the fastest client."""

    async def open(self) -> None:
        """One client, one signature."""
        self.client = (
            ClientBuilder()
            .add_root_certificate_pem(self.authority.read_bytes())
            .max_connections(IN_FLIGHT)
            .build()
        )
        claims: dict[str, Any] = {"sub": CONTACT, "aud": self.origin, "exp": _noon_tomorrow()}
        self.headers = {
            "TTL": "3600",
            "Content-Encoding": "aes128gcm",
            "Authorization": str(self.vapid.sign(claims)["Authorization"]),
        }

    async def send(self, destination: Destination) -> None:
        """Encrypt (RFC 8291) and post."""
        body = _encrypt(self.message, destination.p256dh, destination.auth)
        request = self.client.post(destination.endpoint).headers(self.headers).body_bytes(body)
        await request.build().send()

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()


def _encrypt(message: bytes, point: bytes, auth: bytes) -> bytes:
    curve = ec.SECP256R1()
    key = ec.generate_private_key(curve)
    own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, point))
    salt = os.urandom(16)
    seed = HKDF(hashes.SHA256(), 32, auth, b"WebPush: info\0" + point + own).derive(shared)
    content_key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(seed)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(seed)
    sealed = AESGCM(content_key).encrypt(nonce, message + b"\2", None)
    return salt + b"\0\0\x10\0\x41" + own + sealed


def _noon_tomorrow() -> int:
    return int(time.time()) + 12 * 3600


if __name__ == "__main__":
    uvloop.run({"baseline": Baseline, "floor": Floor}[sys.argv[1]]().run())
