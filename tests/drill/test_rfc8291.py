"""The phones' own decryption against the example of RFC 8291, and against another library."""

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as some
from pywebpush import WebPusher

from backend.drill.decryption import UndecryptableError, decrypt, derive
from backend.drill.phones import Phone

# RFC 8291 section 5 and appendix A
PLAINTEXT = b"When I grow up, I want to be a watermelon"
PHONE_SCALAR = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
PHONE_POINT = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SENDER_POINT = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SHARED_SECRET = "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"
CONTENT_KEY = "oIhVW04MRdy2XN9CiKLxTg"
NONCE = "4h_95klXJ5E_qnoN"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


PHONE_KEY = ec.derive_private_key(int.from_bytes(octets(PHONE_SCALAR), "big"), ec.SECP256R1())


def read(body: bytes) -> bytes:
    return decrypt(body, PHONE_KEY, octets(PHONE_POINT), octets(AUTH))


def test_a_phone_reads_the_example_of_the_rfc() -> None:
    assert read(octets(BODY)) == PLAINTEXT


def test_content_key_and_nonce_are_those_of_the_appendix() -> None:
    derived = derive(
        octets(SHARED_SECRET), octets(AUTH), octets(SALT), octets(PHONE_POINT), octets(SENDER_POINT)
    )

    assert derived == (octets(CONTENT_KEY), octets(NONCE))


@given(position=some.integers(0, len(octets(BODY)) - 1), flip=some.integers(1, 255))
def test_a_message_changed_anywhere_on_its_way_is_not_shown(position: int, flip: int) -> None:
    body = bytearray(octets(BODY))
    body[position] ^= flip
    if 16 <= position < 20 and int.from_bytes(body[16:20], "big") >= len(body) - 86:
        return  # another record size that still holds the one record means the same message

    with pytest.raises(UndecryptableError):
        read(bytes(body))


@given(length=some.integers(0, len(octets(BODY)) - 1))
def test_a_message_cut_short_is_not_shown(length: int) -> None:
    with pytest.raises(UndecryptableError):
        read(octets(BODY)[:length])


def test_a_message_sealed_by_a_widespread_library_opens() -> None:
    phone = Phone.new("https://localhost/push/a")
    text = secrets.token_bytes(2048)
    sealed = WebPusher(phone.subscription()).encode(text, "aes128gcm")
    assert sealed is not None
    stranger = Phone.new("https://localhost/push/b")

    assert phone.decrypt(sealed["body"]) == text
    with pytest.raises(UndecryptableError):
        stranger.decrypt(sealed["body"])
