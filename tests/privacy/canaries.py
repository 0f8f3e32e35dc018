"""Values that nothing may keep, the disguises they could be kept in, and a search for all of them.

Many canaries times many disguises would be slow to look for one by one. Every disguise of 15 bytes
or more covers a whole machine word wherever it stands, so words are compared first.
"""

import base64
import binascii
import hashlib
import ipaddress
import secrets
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote_from_bytes
from uuid import UUID

LEAST_BYTES = 15
_WORD = 8
_AT_ONCE = 1 << 22
_PUNCTUATION = "???>>>"
"""With a letter before each, some stand as / and some as + in base64, wherever the text begins."""


class Canary(NamedTuple):
    """Something that was sent once. `values` are the ways in which it is known to its sender."""

    name: str
    values: tuple[bytes, ...]


@dataclass(frozen=True)
class Form:
    """A disguise: how a leak would write a value, and what of it does not depend on neighbours."""

    write: Callable[[bytes], bytes]
    trace: Callable[[bytes], Iterable[bytes]]
    text: bool = True


def letters() -> str:
    """A text that was never written before. No part of it is the same in each."""
    mixed = "".join(_letter() + mark for mark in _PUNCTUATION)
    return mixed + "".join(_letter() for _ in range(16))


def text(name: str, value: str) -> Canary:
    """A canary that is a text."""
    return Canary(name, (value.encode(),))


def octets(name: str, value: bytes) -> Canary:
    """A canary that travels as base64url and may be kept as bytes."""
    return Canary(name, (value, base64.urlsafe_b64encode(value).rstrip(b"=")))


def address(name: str, value: str) -> Canary:
    """A canary that is an IP address: as text and, where that is long enough, packed."""
    packed = ipaddress.ip_address(value).packed
    return Canary(name, (value.encode(), *([packed] if len(packed) >= LEAST_BYTES else [])))


def _letter() -> str:
    return secrets.choice(string.ascii_letters)


def _shifted(encode: Callable[[bytes], bytes], shift: int) -> Form:
    """Base64 of a value that begins `shift` bytes after a multiple of three."""

    def write(value: bytes) -> bytes:
        return encode(b"{:"[:shift] + value + b"}]")

    def trace(value: bytes) -> list[bytes]:
        whole_bits = 8 * (shift + len(value)) // 6
        return [encode(bytes(shift) + value)[-(-8 * shift // 6) : whole_bits]]

    return Form(write, trace)


def _plain(*writers: Callable[[bytes], bytes], text: bool = True) -> Form:
    """A disguise that looks the same wherever it stands, in one way or several."""
    return Form(writers[0], lambda value: [write(value) for write in writers], text)


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _half_digest(value: bytes) -> bytes:
    return _digest(value)[:16]


FORMS: dict[str, Form] = {
    "raw": _plain(bytes),
    "hex": _plain(binascii.hexlify),
    "upper-case hex": _plain(lambda value: value.hex().upper().encode()),
    **{f"base64 +{shift}": _shifted(base64.standard_b64encode, shift) for shift in range(3)},
    **{f"base64url +{shift}": _shifted(base64.urlsafe_b64encode, shift) for shift in range(3)},
    "URL-encoded": _plain(lambda value: quote_from_bytes(value, safe="").encode()),
    "each letter URL-encoded": _plain(
        lambda value: "".join(f"%{each:02X}" for each in value).encode(),
        lambda value: "".join(f"%{each:02x}" for each in value).encode(),
    ),
    "UTF-16": Form(
        lambda value: value.decode().encode("utf-16-le"),
        lambda value: [b"\0".join(value[each : each + 1] for each in range(len(value)))],
        text=False,
    ),
    "UTF-16, big end first": Form(
        lambda value: value.decode().encode("utf-16-be"),
        lambda value: [b"\0".join(value[each : each + 1] for each in range(len(value)))],
        text=False,
    ),
    "reversed": _plain(lambda value: value[::-1]),
    "SHA-256": Form(_digest, lambda value: [_half_digest(value)], text=False),
    "SHA-256 in hex": Form(
        lambda value: hashlib.sha256(value).hexdigest().encode(),
        lambda value: [_half_digest(value).hex().encode()],
    ),
    "SHA-256 as an id": _plain(lambda value: str(UUID(bytes=_half_digest(value))).encode()),
    "SHA-256 in base64": Form(
        lambda value: base64.standard_b64encode(_digest(value)),
        lambda value: [
            encode(_half_digest(value))[:20]
            for encode in (base64.standard_b64encode, base64.urlsafe_b64encode)
        ],
    ),
}


class Sighting(NamedTuple):
    """A canary that was found, and its disguise."""

    canary: str
    form: str


class Search:
    """Looks for many canaries in every disguise at once."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._sightings: dict[bytes, Sighting] = {}
        self._by_word: dict[int, set[bytes]] = {}
        for canary in canaries:
            for sighting, trace in _traces(canary):
                assert len(trace) >= LEAST_BYTES, sighting
                self._sightings.setdefault(trace, sighting)
                for start in range(_WORD):
                    word = memoryview(trace[start : start + _WORD]).cast("Q")[0]
                    self._by_word.setdefault(word, set()).add(trace)
        self._words = frozenset(self._by_word)

    def __call__(self, haystacks: Iterable[bytes]) -> set[Sighting]:
        """Every canary that is in one of the haystacks."""
        return {sighting for haystack in haystacks for sighting in self._found(haystack)}

    def _found(self, haystack: bytes) -> Iterator[Sighting]:
        padded = haystack + bytes(-len(haystack) % _WORD)
        words: set[int] = set()
        for start in range(0, len(padded), _AT_ONCE):
            words |= self._words.intersection(
                memoryview(padded[start : start + _AT_ONCE]).cast("Q")
            )
        suspects = {trace for word in words for trace in self._by_word[word]}
        yield from (self._sightings[trace] for trace in suspects if trace in haystack)


def _traces(canary: Canary) -> Iterator[tuple[Sighting, bytes]]:
    for value in canary.values:
        for name, form in FORMS.items():
            for trace in form.trace(value):
                yield Sighting(canary.name, name), trace
