"""The file in which the push service leaves messages for the phones, read by other processes.

Receiving a message costs one append to a buffer; nothing here looks inside a message.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_RECORD = struct.Struct("<BIIdI")  # kind, phone, number of the header block, seconds, length
_HEADERS, _MESSAGE = 1, 2
_MOST_PIECES = 512  # what one writev takes everywhere is 1,024


class Message(NamedTuple):
    """What one phone was sent: its number, when (monotonic seconds), the header block, the body."""

    phone: int
    at: float
    headers: bytes
    body: bytes


class Share(NamedTuple):
    """A stretch of a spool for one reader, in bytes, and the header blocks known before it."""

    path: Path
    offset: int
    length: int
    headers: dict[int, bytes]


class SpoolWriter:
    """Appends messages. Header blocks repeat from message to message, so each is written once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._pieces: list[bytes] = []
        self._blocks = 0

    def headers(self, block: bytes) -> int:
        """Write a header block down and return its number for `message`."""
        self._blocks += 1
        self._append(_RECORD.pack(_HEADERS, 0, self._blocks, 0.0, len(block)), block)
        return self._blocks

    def message(self, phone: int, at: float, headers: int, body: bytes) -> None:
        """Write down that `phone` was sent `body` at `at` seconds of the monotonic clock."""
        self._append(_RECORD.pack(_MESSAGE, phone, headers, at, len(body)), body)

    def flush(self) -> None:
        """Hand everything to readers."""
        size = sum(map(len, self._pieces))
        written = os.writev(self._descriptor, self._pieces) if size else 0
        if written < size:
            rest = memoryview(b"".join(self._pieces))[written:]
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self._pieces.clear()

    def close(self) -> None:
        """Flush and close. The file stays."""
        self.flush()
        os.close(self._descriptor)

    def _append(self, record: bytes, content: bytes) -> None:
        self._pieces.append(record)
        self._pieces.append(content)
        if len(self._pieces) >= _MOST_PIECES:
            self.flush()


class Spool:
    """A spool opened for reading. Holds a map of the file, never its content in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._map is not None:
            self._map.close()

    def arrivals(self) -> Iterator[tuple[int, float]]:
        """Phone and monotonic seconds of every message, without reading bodies."""
        for kind, phone, _, at, _, _ in self._records(0, None):
            if kind == _MESSAGE:
                yield phone, at

    def shares(self, messages: int) -> Iterator[Share]:
        """Cut the spool into stretches of at most `messages` messages."""
        known: dict[int, bytes] = {}
        before: dict[int, bytes] = {}
        begin, end, count = 0, 0, 0
        for kind, _, number, _, start, length in self._records(0, None):
            if kind == _HEADERS:
                known[number] = self._bytes(start, length)
            else:
                count += 1
            end = start + length
            if count == messages:
                yield Share(self.path, begin, end - begin, before)
                begin, before, count = end, dict(known), 0
        if end > begin:
            yield Share(self.path, begin, end - begin, before)

    def messages(self, share: Share | None = None) -> Iterator[Message]:
        """The messages of a share, or all of them."""
        blocks = dict(share.headers) if share else {}
        begin, size = (share.offset, share.length) if share else (0, None)
        for kind, phone, number, at, start, length in self._records(begin, size):
            if kind == _HEADERS:
                blocks[number] = self._bytes(start, length)
            else:
                yield Message(phone, at, blocks[number], self._bytes(start, length))

    def _records(
        self, offset: int, size: int | None
    ) -> Iterator[tuple[int, int, int, float, int, int]]:
        """Kind, phone, header number, seconds, start, length; a torn end is left out."""
        if self._map is None:
            return
        limit = len(self._map) if size is None else offset + size
        while offset + _RECORD.size <= limit:
            kind, phone, number, at, length = _RECORD.unpack_from(self._map, offset)
            start = offset + _RECORD.size
            offset = start + length
            if offset > limit:
                return
            yield kind, phone, number, at, start, length

    def _bytes(self, start: int, length: int) -> bytes:
        return b"" if self._map is None else self._map[start : start + length]
