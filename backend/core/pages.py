"""Cursors of long lists: opaque to clients, checked when they come back."""

import base64
import binascii
from typing import TypeVar

import msgspec

from backend.core.problems import Problem

Position = TypeVar("Position", bound=msgspec.Struct)
MAX_CURSOR_LETTERS = 256


def write_cursor(position: msgspec.Struct) -> str:
    """The cursor that continues after `position`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor(text: str, position: type[Position]) -> Position:
    """The position that a cursor stands for.

    Raises:
        Problem: 400 `invalid-cursor`, it was not given out by this list.
    """
    padded = text[:MAX_CURSOR_LETTERS] + "=" * (-len(text[:MAX_CURSOR_LETTERS]) % 4)
    try:
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=position)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Problem(400, "invalid-cursor", "Start again without a cursor.") from None
