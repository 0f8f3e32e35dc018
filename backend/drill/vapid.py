"""A push service's and a phone's view of who sent a message: VAPID (RFC 8292), a JWT with ES256.

Written on ECDSA alone. The sender's code is never used here.
"""

import base64
import binascii
import re

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

LONGEST_LIFE_SECONDS = 24 * 3600  # RFC 8292 section 2
_SIGNATURE_BYTES = 64
_ES256 = ec.ECDSA(SHA256())
_PARAMETER = re.compile(r"([tk])\s*=\s*\"?([A-Za-z0-9._-]+)\"?")


class WrongSignatureError(Exception):
    """The message was not sent by whom it should be. The text says what is wrong."""


class _Header(msgspec.Struct, frozen=True):
    alg: str


class Claims(msgspec.Struct, frozen=True):
    """What the sender vouches for: audience, end of validity in Unix seconds, and a contact."""

    aud: str
    exp: float
    sub: str | None = None


def check_vapid(authorization: str, *, audience: str, published_key: bytes, now: float) -> Claims:
    """Verify an Authorization header for the push service at the origin `audience`.

    `published_key` is the uncompressed point that the API publishes; `now` is in Unix seconds.

    Raises:
        WrongSignatureError: anything at all is not as RFC 8292 has it.
    """
    scheme, _, rest = authorization.partition(" ")
    parameters = dict(_PARAMETER.findall(rest))
    if scheme.lower() != "vapid" or set(parameters) != {"t", "k"}:
        raise WrongSignatureError("the header is not of the vapid scheme with t and k")
    if _decoded(parameters["k"]) != published_key:
        raise WrongSignatureError("the key is not the one that the API publishes")
    claims = _verified(parameters["t"], published_key)
    if claims.aud != audience:
        raise WrongSignatureError("the audience is another push service")
    if not now < claims.exp <= now + LONGEST_LIFE_SECONDS:
        raise WrongSignatureError("it has expired, or lives longer than 24 hours")
    if claims.sub is None or not claims.sub.startswith(("mailto:", "https:")):
        raise WrongSignatureError("there is no contact in it")
    return claims


def _verified(token: str, key: bytes) -> Claims:
    try:
        header, payload, signature = token.split(".")
        if msgspec.json.decode(_decoded(header), type=_Header).alg != "ES256":
            raise WrongSignatureError("the algorithm is not ES256")
        claims = msgspec.json.decode(_decoded(payload), type=Claims)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except (ValueError, msgspec.MsgspecError):
        raise WrongSignatureError("it is no JWT") from None
    raw = _decoded(signature)
    if len(raw) != _SIGNATURE_BYTES:
        raise WrongSignatureError("the signature is not 64 bytes long")
    half = _SIGNATURE_BYTES // 2
    r, s = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    try:
        public.verify(encode_dss_signature(r, s), f"{header}.{payload}".encode(), _ES256)
    except InvalidSignature:
        raise WrongSignatureError("the signature does not fit") from None
    return claims


def _decoded(text: str) -> bytes:
    """Base64url without padding (RFC 7515 section 2)."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WrongSignatureError("it is not base64url") from None
