"""A phone's side of Web Push encryption: RFC 8291 over RFC 8188 (aes128gcm).

Written on ECDH, HKDF and AES-GCM alone. The sender's code is never used here.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

POINT_BYTES = 65  # an uncompressed P-256 point
AUTH_BYTES = 16
_SALT_BYTES = 16
_PREFIX_BYTES = _SALT_BYTES + 4 + 1  # salt, record size, key id length (RFC 8188 section 2.1)
_TAG_BYTES = 16
_LEAST_RECORD_SIZE = 18
_LAST_RECORD = 2
_CURVE = ec.SECP256R1()
_ECDH = ec.ECDH()


class UndecryptableError(Exception):
    """The phone cannot open the message. The text says where it went wrong."""


def decrypt(body: bytes, key: ec.EllipticCurvePrivateKey, point: bytes, auth: bytes) -> bytes:
    """Open a message for the phone that holds `key`, its public `point` and `auth` secret.

    Raises:
        UndecryptableError: the message breaks RFC 8188 or RFC 8291, or is meant for another phone.
    """
    salt, sender, sealed = _take_apart(body)
    try:
        sender_key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, sender)
    except ValueError:
        raise UndecryptableError("the sender's key is no point of P-256") from None
    shared = key.exchange(_ECDH, sender_key)
    content_key, nonce = derive(shared, auth, salt, point, sender)
    try:
        record = AESGCM(content_key).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise UndecryptableError("the authentication tag is wrong") from None
    plaintext = record.rstrip(b"\0")
    if not plaintext or plaintext[-1] != _LAST_RECORD:
        raise UndecryptableError("the record does not say that it is the last")
    return plaintext[:-1]


def derive(
    shared: bytes, auth: bytes, salt: bytes, receiver: bytes, sender: bytes
) -> tuple[bytes, bytes]:
    """Content key and nonce of the only record (RFC 8291 section 3.4, RFC 8188 section 2.2)."""
    info = b"WebPush: info\0" + receiver + sender
    material = HKDF(SHA256(), 32, auth, info).derive(shared)
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
    return content_key, nonce


def _take_apart(body: bytes) -> tuple[bytes, bytes, bytes]:
    """Salt, sender's point and the one sealed record."""
    if len(body) < _PREFIX_BYTES:
        raise UndecryptableError("the message ends within its header")
    record_size = int.from_bytes(body[_SALT_BYTES : _PREFIX_BYTES - 1], "big")
    key_end = _PREFIX_BYTES + body[_PREFIX_BYTES - 1]
    if key_end != _PREFIX_BYTES + POINT_BYTES:
        raise UndecryptableError("the key id is no uncompressed point")
    sealed = body[key_end:]
    if record_size < _LEAST_RECORD_SIZE or len(sealed) > record_size:
        raise UndecryptableError("a push message is a single record")  # RFC 8291 section 4
    if len(sealed) <= _TAG_BYTES:
        raise UndecryptableError("the record is empty")
    return body[:_SALT_BYTES], body[_PREFIX_BYTES:key_end], sealed
