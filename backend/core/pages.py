"""Cursors of long lists: opaque to clients, checked when they come back."""

from typing import TypeVar

import msgspec

from backend.core import base64url
from backend.core.problems import Problem

Position = TypeVar("Position", bound=msgspec.Struct)
MAX_CURSOR_LETTERS = 256


def write_cursor(position: msgspec.Struct) -> str:
    """The cursor that continues after `position`."""
    return base64url.encode(msgspec.json.encode(position))


def read_cursor(text: str, position: type[Position]) -> Position:
    """The position that a cursor stands for.

    Raises:
        Problem: 400 `invalid-cursor`, it was not given out by this list.
    """
    raw = base64url.decode(text) if len(text) <= MAX_CURSOR_LETTERS else None
    try:
        return msgspec.json.decode(raw or b"", type=position)
    except (ValueError, msgspec.MsgspecError):
        raise Problem(400, "invalid-cursor", "Start again without a cursor.") from None
