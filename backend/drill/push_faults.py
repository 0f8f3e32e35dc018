"""The ways in which a push service can fail a sender, each switchable for single phones or all."""

import socket
import time
import zlib
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from http import HTTPStatus

import msgspec

INSIDE_ADDRESS = "http://169.254.169.254/latest/meta-data/"
_SLOW_SECONDS = 1.0
_BOMB_MEGABYTES = 512


class FaultKind(StrEnum):
    """What the push service does instead of answering 201."""

    ANSWER = "answer"
    """Answer `status`, with `retry_after` or `location` when given, and `body`."""
    SILENCE = "silence"
    """Read the request and never answer."""
    ENDLESS = "endless"
    """Answer 201 with a body that never ends."""
    SLOW = "slow"
    """Answer 201 one byte of body a second."""
    BOMB = "bomb"
    """Answer 201 with a small gzip body that unpacks to half a gigabyte."""
    HANG_UP = "hang-up"
    """Close the connection in the middle of the answer's first line."""
    OFFLINE = "offline"
    """Answer 201 and keep the message until the phone comes online or its TTL is over; a message
    replaces an earlier one of the same Topic (RFC 8030 section 5.4)."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault. `times` is how often it strikes before all is well again; None is for ever."""

    kind: FaultKind
    status: int = 500
    retry_after: int | None = None
    location: str | None = None
    body: str = ""
    times: int | None = None


NOT_FOUND = Fault(kind=FaultKind.ANSWER, status=404)
GONE = Fault(kind=FaultKind.ANSWER, status=410)
APPLE_FORBIDDEN = Fault(kind=FaultKind.ANSWER, status=403, body='{"reason":"BadJwtToken"}')
BROKEN = Fault(kind=FaultKind.ANSWER, status=500)
SILENCE = Fault(kind=FaultKind.SILENCE)
ENDLESS = Fault(kind=FaultKind.ENDLESS)
SLOW = Fault(kind=FaultKind.SLOW)
BOMB = Fault(kind=FaultKind.BOMB)
HANG_UP = Fault(kind=FaultKind.HANG_UP)
OFFLINE = Fault(kind=FaultKind.OFFLINE)


def too_many(retry_after: int, times: int | None = None) -> Fault:
    """429 with Retry-After in seconds."""
    return Fault(kind=FaultKind.ANSWER, status=429, retry_after=retry_after, times=times)


def redirect(status: int = 307, location: str = INSIDE_ADDRESS) -> Fault:
    """302 or 307 to an address that the sender must not ask."""
    return Fault(kind=FaultKind.ANSWER, status=status, location=location)


class FaultBoard:
    """Which fault strikes which phone. A phone's own fault goes before the fault of all."""

    def __init__(self) -> None:
        self._phones: dict[int, tuple[Fault, int]] = {}
        self._all: tuple[Fault, int] | None = None
        self.any = False

    def set(self, fault: Fault, phones: list[int] | None) -> None:
        """Let `fault` strike these phones, or all."""
        entry = (fault, -1 if fault.times is None else fault.times)
        if phones is None:
            self._all = entry
        else:
            self._phones.update(dict.fromkeys(phones, entry))
        self.any = True

    def clear(self, phones: list[int] | None) -> None:
        """Heal these phones, or everything."""
        if phones is None:
            self._phones.clear()
            self._all = None
        for phone in phones or ():
            self._phones.pop(phone, None)
        self.any = bool(self._phones) or self._all is not None

    def strike(self, phone: int) -> Fault | None:
        """The fault that strikes a message to `phone` now, used up by one."""
        own = self._phones.get(phone)
        if own is not None and own[1] != 0:
            self._phones[phone] = (own[0], own[1] - 1)
            return own[0]
        if self._all is not None and self._all[1] != 0:
            self._all = (self._all[0], self._all[1] - 1)
            return self._all[0]
        return None


def answer(status: int, *, body: bytes = b"", **fields: str) -> bytes:
    """A whole HTTP answer; underscores in the names of header fields become hyphens."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def fault_answer(fault: Fault) -> bytes:
    """The answer of a fault of the kind `answer`."""
    fields: dict[str, str] = {}
    if fault.retry_after is not None:
        fields["Retry_After"] = str(fault.retry_after)
    if fault.location is not None:
        fields["Location"] = fault.location
    return answer(fault.status, body=fault.body.encode(), **fields)


def perform(fault: Fault, connection: socket.socket) -> None:
    """Play a fault that takes time on a blocking connection until the sender has had enough."""
    try:
        for piece in pieces(fault):
            connection.sendall(piece)
    except OSError:
        pass  # the sender hung up, which is what it should do
    finally:
        connection.close()


def pieces(fault: Fault) -> Iterator[bytes]:
    """What a fault sends, piece by piece; some never end."""
    chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n"
    match fault.kind:
        case FaultKind.HANG_UP:
            yield b"HTTP/1.1 20"
        case FaultKind.ENDLESS:
            yield f"{chunked}\r\n".encode()
            piece = b"10000\r\n" + b"e" * 0x10000 + b"\r\n"
            while True:
                yield piece
        case FaultKind.SLOW:
            yield b"HTTP/1.1 201 Created\r\nContent-Length: 86400\r\n\r\n"
            while True:
                time.sleep(_SLOW_SECONDS)
                yield b"s"
        case FaultKind.BOMB:
            yield answer(201, body=_bomb(), Content_Encoding="gzip")
        case _:
            yield fault_answer(fault)


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    megabyte = bytes(1 << 20)
    return b"".join([packer.compress(megabyte) for _ in range(_BOMB_MEGABYTES)]) + packer.flush()
