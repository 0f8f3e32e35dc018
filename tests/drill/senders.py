"""A sender that is not ours: pywebpush seals and py_vapid signs what the phones are tried with."""

import time

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPusher

from backend.drill.phones import PAYLOAD_BYTES, Phone

ALERT = "0d9f5f0e-6b1c-4f6a-9d0a-2f3f9d2b7c11"
WORDS = {
    "ko": ("9번 출구로 옮깁니다", "10번 출구가 막혔습니다. 9번 출구 앞에서 만나요."),
    "en": ("We move to Exit 9", "Exit 10 is closed. Meet in front of Exit 9."),
}


def new_sender() -> Vapid02:
    """A key pair that signs pushes."""
    sender = Vapid02()
    sender.generate_keys()
    return sender


def signed(sender: Vapid02, audience: str, **claims: object) -> str:
    """An Authorization header that is right in all that `claims` leaves alone."""
    usual: dict[str, object] = {
        "aud": audience,
        "exp": int(time.time()) + 3600,
        "sub": "mailto:rally@rally.example",
    }
    return str(sender.sign(usual | claims)["Authorization"])


def payload(language: str, *, size: int = PAYLOAD_BYTES, **changes: object) -> bytes:
    """The JSON of an alert, padded with blanks to `size` bytes."""
    title, body = WORDS[language]
    fields: dict[str, object] = {
        "v": 1,
        "id": ALERT,
        "tag": "exit-nine",
        "kind": "change",
        "title": title,
        "body": body,
        "lang": language,
        "url": "/",
        "sentAt": "2026-01-02T19:00:00+09:00",
        "pad": "",
    }
    bare = msgspec.json.encode(fields | changes)
    return msgspec.json.encode(fields | changes | {"pad": " " * (size - len(bare))})


def sealed(phone: Phone, text: bytes) -> bytes:
    """A push message for `phone`."""
    message = WebPusher(phone.subscription()).encode(text, "aes128gcm")
    assert message is not None
    return bytes(message["body"])


def push_headers(authorization: str) -> dict[str, str]:
    """Header fields of a push message request."""
    return {
        "TTL": "600",
        "Urgency": "high",
        "Content-Encoding": "aes128gcm",
        "Authorization": authorization,
    }


def public_point(sender: Vapid02) -> bytes:
    """The uncompressed point that an API would publish for the sender."""
    assert sender.public_key is not None
    return sender.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
