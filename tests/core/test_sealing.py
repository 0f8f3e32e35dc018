"""Boxes open with their key, in their context, unchanged; and as RFC 9180 says."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from backend.core.sealing import OVERHEAD_BYTES, BoxError, open_box, seal

KEY = X25519PrivateKey.generate()
OTHER = X25519PrivateKey.generate()


class Rfc9180:
    """Appendix A.1.1: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM."""

    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    private_key = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
    encapsulated = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    key = "4531685d41d65f03dc48f6b8302c05b0"
    nonce = "56d890e5accaaf011cff4b7d"


def test_the_key_schedule_of_rfc_9180_opens() -> None:
    message = b"Beauty is truth, truth beauty"
    sealed = AESGCM(bytes.fromhex(Rfc9180.key)).encrypt(bytes.fromhex(Rfc9180.nonce), message, b"")
    box = bytes.fromhex(Rfc9180.encapsulated) + sealed
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(Rfc9180.private_key))
    assert open_box(box, key, Rfc9180.info) == message


@given(st.binary(max_size=1024), st.binary(max_size=64))
def test_a_box_opens_where_it_was_sealed(message: bytes, context: bytes) -> None:
    box = seal(message, KEY.public_key(), context)
    assert len(box) == len(message) + OVERHEAD_BYTES
    assert open_box(box, KEY, context) == message


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_a_box_moved_to_another_row_does_not_open(context: bytes, elsewhere: bytes) -> None:
    box = seal(b"endpoint", KEY.public_key(), context)
    if context != elsewhere:
        with pytest.raises(BoxError):
            open_box(box, KEY, elsewhere)


def test_bad_input_28_a_box_of_another_epoch_does_not_open() -> None:
    box = seal(b"endpoint", KEY.public_key(), b"row")
    with pytest.raises(BoxError):
        open_box(box, OTHER, b"row")


@given(st.data())
def test_bad_input_27_a_truncated_or_changed_box_does_not_open(data: st.DataObject) -> None:
    box = seal(b"endpoint", KEY.public_key(), b"row")
    length = data.draw(st.integers(0, len(box) - 1))
    with pytest.raises(BoxError):
        open_box(box[:length], KEY, b"row")
    place = data.draw(st.integers(0, len(box) - 1))
    # The top bit of an X25519 point is ignored (RFC 7748 section 5), and bound by the key schedule.
    changed = bytearray(box)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BoxError):
        open_box(bytes(changed), KEY, b"row")


def test_an_error_holds_nothing_of_the_box() -> None:
    box = seal(b"a canary", KEY.public_key(), b"row")
    with pytest.raises(BoxError) as refusal:
        open_box(box, OTHER, b"row")
    assert str(refusal.value) == "the box does not open"
    assert refusal.value.__suppress_context__
