"""Encrypts pushes for phones (RFC 8291) and signs for push services (RFC 8292).

Encryption is pywebpush's own, given the raw keys so that nothing is decoded twice.
"""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPusher

from backend.alerts.boxes import Destination


class _Message(WebPusher):
    """pywebpush's encoder with keys that were checked and decoded before."""

    def __init__(self, destination: Destination) -> None:
        self.verbose = False
        self.receiver_key = destination.p256dh
        self.auth_key = destination.auth


def encrypt(payload: bytes, destination: Destination) -> bytes:
    """The body of a push in aes128gcm (RFC 8188), with a key pair and salt of its own.

    Raises:
        ValueError: the phone's point is not on the curve.
    """
    return _Message(destination).encode(payload, "aes128gcm")["body"]


class Signer:
    """The Authorization header for each push service, signed once an hour, not for each push."""

    LIFETIME = timedelta(hours=12)
    """RFC 8292 section 2 allows 24 hours."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, contact: str) -> None:
        self._vapid = Vapid02(private_key=key)
        self._contact = contact
        self._signed: dict[str, tuple[int, str]] = {}

    def authorization(self, origin: str, now: datetime) -> str:
        """`vapid t=…, k=…` for the push service at `origin` (RFC 8292 section 3)."""
        hour = int(now.timestamp()) // 3600
        signed = self._signed.get(origin)
        if signed is None or signed[0] != hour:
            claims = {
                "sub": self._contact,
                "aud": origin,
                "exp": hour * 3600 + int(self.LIFETIME.total_seconds()),
            }
            signed = (hour, str(self._vapid.sign(claims)["Authorization"]))
            self._signed[origin] = signed
        return signed[1]


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The uncompressed public point, 65 bytes (SEC 1 section 2.3.3)."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
