"""Encrypts pushes for phones (RFC 8291) and signs for push services (RFC 8292).

Written on bare primitives, because a crowd waits for it: pywebpush's encoder takes a third longer.
`prove` lets pywebpush judge it before the first phone is sent anything.
"""

import base64
import os
from datetime import datetime, timedelta

import http_ece
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from py_vapid import Vapid02
from pywebpush import WebPusher

from backend.alerts.boxes import Destination
from backend.core import base64url

_CURVE = ec.SECP256R1()
_SHA256 = hashes.SHA256()
_SALT_BYTES = 16
_RECORD_SIZE = (4096).to_bytes(4, "big")
_POINT_BYTES = b"\x41"
_LAST_RECORD = b"\x02"


class EncryptionError(Exception):
    """Our encryption and pywebpush's do not agree: nothing may be sent."""


def encrypt(payload: bytes, destination: Destination) -> bytes:
    """The body of a push in aes128gcm: one record (RFC 8188), a key pair and salt of its own.

    Raises:
        ValueError: the phone's point is not on the curve.
    """
    key, salt = ec.generate_private_key(_CURVE), os.urandom(_SALT_BYTES)
    return _encrypt(payload, destination, key, salt)


def _encrypt(
    payload: bytes, destination: Destination, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """RFC 8291 section 3.4, then RFC 8188 section 2, with this key pair and salt."""
    own = public_point(key)
    phone = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, destination.p256dh)
    key_info = b"WebPush: info\0" + destination.p256dh + own
    material = _derive(32, destination.auth, key_info, key.exchange(ec.ECDH(), phone))
    content_key = _derive(16, salt, b"Content-Encoding: aes128gcm\0", material)
    nonce = _derive(12, salt, b"Content-Encoding: nonce\0", material)
    sealed = AESGCM(content_key).encrypt(nonce, payload + _LAST_RECORD, None)
    return b"".join((salt, _RECORD_SIZE, _POINT_BYTES, own, sealed))


def _derive(length: int, salt: bytes, info: bytes, material: bytes) -> bytes:
    return HKDF(_SHA256, length, salt, info).derive(material)


def prove() -> None:
    """Encrypt a message as ours and as pywebpush's, and open both with pywebpush's own decryption.

    Raises:
        EncryptionError: they differ, as with a broken build of the cryptography underneath.
    """
    phone, secret = ec.generate_private_key(_CURVE), os.urandom(16)
    message = base64.b64encode(os.urandom(1536))
    destination = Destination("", public_point(phone), secret)
    keys = {"p256dh": base64url.encode(destination.p256dh), "auth": base64url.encode(secret)}
    theirs = WebPusher({"endpoint": "", "keys": keys}).encode(message)["body"]
    for body in (encrypt(message, destination), theirs):
        if _opened(body, phone, secret) != message:
            raise EncryptionError("Phones could not read pushes: reinstall the requirements.")


def _opened(body: bytes, phone: ec.EllipticCurvePrivateKey, secret: bytes) -> bytes | None:
    try:
        return http_ece.decrypt(body, private_key=phone, auth_secret=secret)
    except (http_ece.ECEException, InvalidTag, ValueError):
        return None


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
