"""Capability tokens: 32 random bytes made by a client, kept only as a keyed digest.

A 256-bit secret cannot be guessed, so its digest needs no slow hash. A token's purpose is part of
the digest: a volunteer's token is nothing to a marshal's door.
"""

import hashlib
import hmac
import secrets
from enum import StrEnum
from uuid import UUID

from backend.core import base64url
from backend.settings import Secret

TOKEN_BYTES = 32
TOKEN_LETTERS = 43


class Purpose(StrEnum):
    """What a token opens. Each purpose has digests of its own."""

    SUBSCRIPTION = "subscription"
    ACCESS = "access"
    INVITE = "invite"


def new_token() -> str:
    """A fresh token as clients write it."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def parse_token(text: str) -> bytes | None:
    """The 32 bytes of a token, or None when `text` is no token."""
    return base64url.decode(text) if len(text) == TOKEN_LETTERS else None


def digest(key: Secret, purpose: Purpose, token: bytes) -> bytes:
    """HMAC-SHA256 over purpose, a zero byte and the token: 32 bytes, what the database keeps."""
    return hmac.new(key.reveal(), purpose.encode() + b"\0" + token, hashlib.sha256).digest()


def row_id(token_digest: bytes) -> UUID:
    """The id of the row that a digest owns: its first 128 bits. Tells nothing of its age."""
    return UUID(bytes=token_digest[:16])
