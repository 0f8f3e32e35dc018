"""What every message on the wire shares: frozen, camelCase, and deaf to fields it does not know.

Unknown fields are refused so that nobody can send an identity that the house has no room for.
"""

import re
import unicodedata
from typing import Annotated

import msgspec

TOKEN_PATTERN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 - the shape of one, not one
"""32 random bytes in base64url without padding (RFC 4648 section 5)."""

LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
"""The shapes of RFC 5646 tags that people choose between: `ko`, `en`, `zh-Hant`, `pt-BR`."""

Language = Annotated[
    str,
    msgspec.Meta(
        pattern=LANGUAGE_PATTERN,
        max_length=11,
        description="RFC 5646 language tag",
        examples=["ko"],
    ),
]
Token = Annotated[
    str,
    msgspec.Meta(
        pattern=TOKEN_PATTERN,
        description="32 random bytes made by the client, base64url without padding",
        examples=["3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    ),
]

_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ALLOWED_CONTROLS = {"\n", "\t"}


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Base of every message. Decoding refuses unknown fields, wrong types and wrong values."""


def plain_text(text: str) -> str:
    """Return `text` in Unicode NFC without surrounding blanks.

    Raises:
        ValueError: the text holds control, zero-width or bidirectional override characters, with
            which one alert can be made to look like another (Unicode TR 36).
    """
    if _INVISIBLE.search(text) or any(
        unicodedata.category(letter) == "Cc" and letter not in _ALLOWED_CONTROLS for letter in text
    ):
        raise ValueError("text must not hold control, zero-width or bidirectional characters")
    return unicodedata.normalize("NFC", text).strip()


def tidy(message: msgspec.Struct, *fields: str) -> None:
    """Replace the named text fields of a message under construction by their `plain_text`."""
    for name in fields:
        value: object = getattr(message, name)
        if isinstance(value, str):
            msgspec.structs.force_setattr(message, name, plain_text(value))
