"""Base64url without padding (RFC 4648 section 5), read strictly: one text for one value."""

import base64
import binascii
import re

_LETTERS = re.compile(r"[A-Za-z0-9_-]*")


def encode(value: bytes) -> str:
    """The text of some bytes, without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decode(text: str) -> bytes | None:
    """The bytes of a text, or None when it is no base64url."""
    if not _LETTERS.fullmatch(text):
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
