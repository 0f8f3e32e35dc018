"""Seals bytes to a public key (HPKE, RFC 9180, base mode) and opens them with the private one.

X25519, HKDF-SHA256, AES-128-GCM. The context a box was sealed in is bound to it: moved to another
row, epoch or audience it does not open.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

OVERHEAD_BYTES = 48
"""32 of the encapsulated key and 16 of the tag, before and behind the ciphertext."""

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)


class BoxError(Exception):
    """A box does not open: another key, another context, or changed on the way."""


def seal(plaintext: bytes, public_key: X25519PublicKey, context: bytes) -> bytes:
    """Seal `plaintext`; the box is `OVERHEAD_BYTES` longer."""
    return _SUITE.encrypt(plaintext, public_key, context)


def open_box(box: bytes, private_key: X25519PrivateKey, context: bytes) -> bytes:
    """Open a box in the context it was sealed in.

    Raises:
        BoxError: it does not open.
    """
    try:
        return _SUITE.decrypt(box, private_key, context)
    except (InvalidTag, ValueError):
        raise BoxError("the box does not open") from None
