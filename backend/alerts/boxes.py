"""A push subscription as bytes of one size, sealed to an epoch key: what is kept of a phone.

The context binds a box to its row, epoch, series, audience and language: moved elsewhere it does
not open.
"""

import struct
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from backend.alerts.endpoints import MAX_ENDPOINT_BYTES
from backend.core import base64url
from backend.core.sealing import OVERHEAD_BYTES, BoxError, open_box, seal

P256DH_BYTES = 65
AUTH_BYTES = 16
_HEAD = struct.Struct(f">{P256DH_BYTES}s{AUTH_BYTES}sH")
PLAIN_BYTES = 1024
BOX_BYTES = PLAIN_BYTES + OVERHEAD_BYTES

assert _HEAD.size + MAX_ENDPOINT_BYTES == PLAIN_BYTES  # noqa: S101 - two modules, one size


class KeysError(Exception):
    """The keys of a subscription cannot be used. `slug` says which and why."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class Destination(msgspec.Struct, frozen=True):
    """Where a push goes and for whose keys it is encrypted. Lives in RAM only, for one use."""

    endpoint: str
    p256dh: bytes
    auth: bytes

    def __repr__(self) -> str:
        return "Destination(…)"


class BoxContext(msgspec.Struct, frozen=True):
    """The row that a box belongs to."""

    id: UUID
    epoch: int
    series: UUID
    audience: str
    language: str

    def encode(self) -> bytes:
        """Unambiguous bytes for HPKE's `info` (RFC 9180 section 5.1)."""
        words = f"{self.audience}\0{self.language}".encode()
        return b"exit10 subscription 1" + struct.pack(
            f">16sI16s{len(words)}s", self.id.bytes, self.epoch, self.series.bytes, words
        )


def parse_keys(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """The phone's point and secret (RFC 8291 section 2).

    Raises:
        KeysError: not base64url, wrong length, compressed, off the curve, or the point at infinity.
    """
    point = base64url.decode(p256dh.rstrip("="))
    secret = base64url.decode(auth.rstrip("="))
    if point is None or len(point) != P256DH_BYTES or point[0] != 4:  # noqa: PLR2004 - SEC 1, 2.3.3
        raise KeysError("p256dh-malformed")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise KeysError("p256dh-off-curve") from None
    if secret is None or len(secret) != AUTH_BYTES:
        raise KeysError("auth-malformed")
    return point, secret


def seal_destination(
    destination: Destination, public_key: X25519PublicKey, context: BoxContext
) -> bytes:
    """The box of a subscription: always `BOX_BYTES` long."""
    endpoint = destination.endpoint.encode("ascii")
    head = _HEAD.pack(destination.p256dh, destination.auth, len(endpoint))
    return seal((head + endpoint).ljust(PLAIN_BYTES, b"\0"), public_key, context.encode())


def open_destination(box: bytes, private_key: X25519PrivateKey, context: BoxContext) -> Destination:
    """Open a box for one use.

    Raises:
        BoxError: it does not open, or holds no destination.
    """
    plain = open_box(box, private_key, context.encode())
    if len(plain) != PLAIN_BYTES:
        raise BoxError("the box holds no destination")
    p256dh, auth, length = _HEAD.unpack_from(plain)
    if length > MAX_ENDPOINT_BYTES:
        raise BoxError("the box holds no destination")
    try:
        endpoint = plain[_HEAD.size : _HEAD.size + length].decode("ascii")
    except UnicodeDecodeError:
        raise BoxError("the box holds no destination") from None
    return Destination(endpoint, p256dh, auth)
