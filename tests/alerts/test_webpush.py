"""The sender's encryption against the example of RFC 8291, and against pywebpush."""

import os

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from backend.alerts import webpush
from backend.alerts.boxes import Destination
from backend.alerts.webpush import EncryptionError
from tests.drill.test_rfc8291 import (
    AUTH,
    BODY,
    PHONE_POINT,
    PLAINTEXT,
    SALT,
    SENDER_POINT,
    octets,
)

SENDER_SCALAR = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
"""RFC 8291 appendix A, the application server's private key."""

PHONE = ec.generate_private_key(ec.SECP256R1())
SECRET = os.urandom(16)
DESTINATION = Destination("", webpush.public_point(PHONE), SECRET)


def test_the_sender_writes_the_example_of_the_rfc() -> None:
    key = ec.derive_private_key(int.from_bytes(octets(SENDER_SCALAR), "big"), ec.SECP256R1())
    assert webpush.public_point(key) == octets(SENDER_POINT)
    phone = Destination("", octets(PHONE_POINT), octets(AUTH))
    assert webpush._encrypt(PLAINTEXT, phone, key, octets(SALT)) == octets(BODY)  # pyright: ignore[reportPrivateUsage]


@given(st.binary(min_size=1, max_size=3993))
def test_pywebpush_reads_whatever_the_sender_writes(message: bytes) -> None:
    body = webpush.encrypt(message, DESTINATION)
    assert http_ece.decrypt(body, private_key=PHONE, auth_secret=SECRET) == message


def test_no_two_messages_share_a_key_or_a_salt() -> None:
    bodies = [webpush.encrypt(b"same", DESTINATION) for _ in range(100)]
    assert len({body[:16] for body in bodies}) == len({body[21:86] for body in bodies}) == 100


def test_a_worker_whose_encryption_is_broken_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    webpush.prove()
    monkeypatch.setattr(webpush, "_LAST_RECORD", b"\x01")
    with pytest.raises(EncryptionError):
        webpush.prove()
