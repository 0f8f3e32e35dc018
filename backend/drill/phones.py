"""Simulated phones: their keys, what they subscribe with, and what they show when pushed.

A phone is 177 bytes in two packed arrays until it is looked at, so that a crowd of hundreds of
thousands fits beside the system that is rehearsed. Private keys never leave the rehearsal's folder.
"""

import base64
import mmap
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.drill.decryption import AUTH_BYTES, POINT_BYTES, decrypt
from backend.drill.vapid import check_vapid

PAYLOAD_BYTES = 2048
_SCALAR_BYTES = 32
_KEYS_BYTES = _SCALAR_BYTES + AUTH_BYTES + POINT_BYTES
_TOKEN_BYTES = 32
_ID_LETTERS = 22
_MADE_AT_ONCE = 2_000
_CURVE = ec.SECP256R1()


class WrongPayloadError(Exception):
    """The message opens, but no phone could make a notification of it."""


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The JSON inside a push message."""

    v: Literal[1]
    id: str
    tag: str
    kind: str
    title: str
    body: str
    lang: str
    url: str
    sent_at: str
    pad: str


class Notification(msgspec.Struct, frozen=True):
    """What a phone shows."""

    alert: str
    title: str
    body: str
    language: str
    url: str


class Phone:
    """One phone. Notifications of one tag replace each other, as on every platform."""

    def __init__(self, keys: bytes, endpoint: str) -> None:
        scalar, self.auth = keys[:_SCALAR_BYTES], keys[_SCALAR_BYTES:-POINT_BYTES]
        self.point = keys[-POINT_BYTES:]
        self.endpoint = endpoint
        self.token = new_token()
        self.notifications: dict[str, Notification] = {}
        self._key = ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVE)

    @classmethod
    def new(cls, endpoint: str) -> "Phone":
        """A phone with fresh keys and a fresh token."""
        return cls(make_keys(1), endpoint)

    def subscription(self) -> dict[str, object]:
        """The phone's PushSubscription as browsers write it (W3C Push API, toJSON)."""
        keys = {"p256dh": base64url(self.point), "auth": base64url(self.auth)}
        return {"endpoint": self.endpoint, "keys": keys}

    def decrypt(self, body: bytes) -> bytes:
        """What a push message says.

        Raises:
            UndecryptableError: it breaks RFC 8291 or is meant for another phone.
        """
        return decrypt(body, self._key, self.point, self.auth)

    def open(self, body: bytes) -> Payload:
        """Decrypt a push message and read it; nothing is shown yet.

        Raises:
            UndecryptableError: it cannot be opened.
            WrongPayloadError: it is not JSON of exactly 2,048 bytes in the agreed form.
        """
        plaintext = self.decrypt(body)
        if len(plaintext) != PAYLOAD_BYTES:
            raise WrongPayloadError(f"the payload is {len(plaintext)} bytes long")
        try:
            return msgspec.json.decode(plaintext, type=Payload)
        except msgspec.MsgspecError as error:
            raise WrongPayloadError(str(error)) from None

    def show(self, payload: Payload) -> Notification:
        """Show a notification in the place of any other with its tag."""
        notification = Notification(
            payload.id, payload.title, payload.body, payload.lang, payload.url
        )
        self.notifications[payload.tag] = notification
        return notification

    def receive(
        self, body: bytes, authorization: str, *, audience: str, published_key: bytes, now: float
    ) -> Notification:
        """Check the sender, open the message, show it.

        Raises:
            WrongSignatureError: the sender is not whom the API publishes (RFC 8292).
            UndecryptableError: the message cannot be opened (RFC 8291).
            WrongPayloadError: it is not in the agreed form.
        """
        check_vapid(authorization, audience=audience, published_key=published_key, now=now)
        return self.show(self.open(body))


class Keys:
    """The packed keys of a crowd in a file, mapped so that several processes can share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._map) // _KEYS_BYTES

    def phone(self, number: int, endpoint: str = "") -> Phone:
        """The phone of that number, with nothing on its screen."""
        return Phone(self._packed(number), endpoint)

    def public(self, number: int) -> tuple[bytes, bytes]:
        """Point and auth secret of a phone, without the cost of deriving its private key."""
        packed = self._packed(number)
        return packed[-POINT_BYTES:], packed[_SCALAR_BYTES:-POINT_BYTES]

    def _packed(self, number: int) -> bytes:
        start = number * _KEYS_BYTES
        return self._map[start : start + _KEYS_BYTES]


class Crowd:
    """Many phones, numbered as their push service numbers them."""

    def __init__(self, keys: Keys, endpoints: Sequence[str], languages: Sequence[str]) -> None:
        self.keys = keys
        self._languages = tuple(languages)
        self._tokens = secrets.token_bytes(_TOKEN_BYTES * len(keys))
        self._base = endpoints[0][:-_ID_LETTERS]
        self._ids = "".join(endpoint[-_ID_LETTERS:] for endpoint in endpoints).encode()

    def __len__(self) -> int:
        return len(self.keys)

    def language(self, number: int) -> str:
        """The language in which a phone subscribes; they take turns."""
        return self._languages[number % len(self._languages)]

    def token(self, number: int) -> str:
        """The capability token under which a phone subscribes."""
        return base64url(self._tokens[number * _TOKEN_BYTES : (number + 1) * _TOKEN_BYTES])

    def endpoint(self, number: int) -> str:
        """The address to which a phone is pushed."""
        return self._base + self._ids[number * _ID_LETTERS : (number + 1) * _ID_LETTERS].decode()

    def subscription(self, number: int) -> dict[str, object]:
        """The PushSubscription of a phone, as `Phone.subscription` writes it."""
        point, auth = self.keys.public(number)
        keys = {"p256dh": base64url(point), "auth": base64url(auth)}
        return {"endpoint": self.endpoint(number), "keys": keys}


def make_keys(count: int) -> bytes:
    """Fresh packed keys for `count` phones: private scalar, auth secret, uncompressed point."""
    packed: list[bytes] = []
    for _ in range(count):
        key = ec.generate_private_key(_CURVE)
        packed += (
            key.private_numbers().private_value.to_bytes(_SCALAR_BYTES, "big"),
            secrets.token_bytes(AUTH_BYTES),
            key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        )
    return b"".join(packed)


def write_keys(path: Path, count: int, executor: Executor) -> Iterator[int]:
    """Make keys for `count` phones into a file, on all processors; yields how many are done."""
    shares = [min(_MADE_AT_ONCE, count - start) for start in range(0, count, _MADE_AT_ONCE)]
    done = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for share, packed in zip(shares, executor.map(make_keys, shares), strict=True):
            file.write(packed)
            done += share
            yield done


def new_token() -> str:
    """A capability token: 32 random bytes, made on the device that will use it."""
    return base64url(secrets.token_bytes(_TOKEN_BYTES))


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decoded(text: str) -> bytes:
    """The octets of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
