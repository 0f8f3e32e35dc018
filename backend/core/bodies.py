"""Reads JSON bodies strictly and straight into the type that the handler names.

Duplicate keys, unknown fields, wrong types, NaN and endless nesting each end in a clear problem.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from litestar import Request

from backend.core.problems import Problem, validation_problem

MAX_BODY_BYTES = 32_768
MAX_DEPTH = 16


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded once, strictly, into the handler's own type."""

    async def json(self) -> Any:
        """The decoded body.

        Raises:
            Problem: 400 for a body that is no JSON or does not fit; 415 for another media type.
        """
        if self.content_type[0] != "application/json":
            raise Problem(415)
        body = await self.body()
        field = self.route_handler.parsed_data_field
        try:
            refuse_ambiguity(body)
            return _decoder(field.annotation if field else object).decode(body)
        except msgspec.ValidationError as error:
            raise validation_problem(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
            raise Problem(400, "invalid-json", "The body is no JSON (RFC 8259).") from None


@lru_cache(maxsize=256)
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(annotation)


def refuse_ambiguity(body: bytes) -> None:
    """Refuse what two parsers would read differently (RFC 8259 section 4; RFC 7493).

    Raises:
        Problem: a key stands twice in one object, or nesting is deeper than `MAX_DEPTH`.
        ValueError, RecursionError: the body is no JSON, or holds NaN or Infinity.
    """
    if _depth_at_most(body) > MAX_DEPTH:
        raise Problem(400, "invalid-json", f"Nesting deeper than {MAX_DEPTH} is refused.")
    json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)


def _depth_at_most(body: bytes) -> int:
    """An upper bound of the nesting: all openers. Counted exactly only when that is large."""
    openers = body.count(b"{") + body.count(b"[")
    if openers <= MAX_DEPTH:
        return openers
    depth = deepest = 0
    inside_string = escaped = False
    for byte in body:
        if inside_string:
            inside_string = escaped or byte != 0x22  # noqa: PLR2004 - a quotation mark
            escaped = byte == 0x5C and not escaped  # noqa: PLR2004 - a backslash
        elif byte == 0x22:  # noqa: PLR2004
            inside_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem(400, "invalid-json", "A key stands twice in one object.")
    return fields


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
