"""A push service in a process of its own: RFC 8030 over TLS 1.2 or 1.3 and HTTP/1.1 keep-alive.

It takes messages for phones and spools them unread; it never decrypts, and never slows a sender
down unless it was told to. One thread, one selector, no framework: in a benchmark it shares the
machine with the sender that is being measured.
"""

import argparse
import base64
import os
import secrets
import selectors
import signal
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from backend.core.clock import system_clock
from backend.drill.certificates import ensure_certificates
from backend.drill.push_control import (
    Answer,
    Asked,
    AwaitReached,
    ClearFaults,
    Counts,
    GetCounts,
    Ready,
    SetFault,
    StartOver,
    Subscribe,
)
from backend.drill.push_faults import Fault, FaultBoard, FaultKind, answer, fault_answer, perform
from backend.drill.push_request import Headers, read_headers
from backend.drill.spool import SpoolWriter

_TLS_RECORD = 1 << 14
_MOST_HEADER_BYTES = 1 << 14
_MOST_KNOWN_BLOCKS = 512
_POST = b"POST /push/"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNREAD = (411, 413, 431)  # the request's end is unknown or too far: answer and hang up
_REFUSALS = {status: answer(status) for status in (400, 401, 404, 405)} | {
    status: answer(status, Connection="close") for status in _UNREAD
}


class _Connection:
    """A sender's connection and what came of its next request."""

    __slots__ = ("rest", "socket")

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self.socket = tls
        self.rest = b""


class _Kept(NamedTuple):
    """A message for a phone that is offline. Times are monotonic seconds."""

    expires_at: float
    headers: int
    body: bytes


class _Inbox:
    """The phones of this push service and what has reached them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spools = 0
        self._numbers: dict[bytes, int] = {}
        self._kept: dict[int, dict[bytes, _Kept]] = {}
        self.start_over()

    def start_over(self) -> None:
        """Count from nought, into a new spool."""
        if self._spools:
            self.spool.close()
        self._spools += 1
        self.spool = SpoolWriter(self._folder / f"messages-{self._spools}.spool")
        self._reached = bytearray(len(self._numbers))
        self.accepted = self.reached = 0
        self.first_at: float | None = None
        self.last_at: float | None = None

    def subscribe(self, count: int) -> list[str]:
        """Give out `count` random endpoint ids of 128 bits."""
        ids = [base64.urlsafe_b64encode(secrets.token_bytes(16))[:22] for _ in range(count)]
        for endpoint in ids:
            self._numbers[endpoint] = len(self._numbers)
        self._reached.extend(bytes(count))
        return [endpoint.decode() for endpoint in ids]

    def phone(self, endpoint: bytes) -> int | None:
        """The number of the phone behind an endpoint id."""
        return self._numbers.get(endpoint)

    def deliver(self, phone: int, headers: int, body: bytes) -> None:
        """Hand a message to its phone."""
        now = time.monotonic()
        self.accepted += 1
        if not self._reached[phone]:
            self._reached[phone] = 1
            self.reached += 1
            self.first_at = self.first_at or now
            self.last_at = now
        self.spool.message(phone, now, headers, body)

    def keep(self, phone: int, read: Headers, headers: int, body: bytes) -> None:
        """Keep a message until its phone comes online. A TTL of nought means now or never."""
        if read.ttl:
            waiting = self._kept.setdefault(phone, {})
            name = read.topic or b"#%d" % len(waiting)
            waiting[name] = _Kept(time.monotonic() + read.ttl, headers, body)

    def come_online(self, phones: list[int] | None) -> None:
        """Hand over what was kept and has not expired."""
        for phone in list(self._kept) if phones is None else phones:
            for message in self._kept.pop(phone, {}).values():
                if message.expires_at > time.monotonic():
                    self.deliver(phone, message.headers, message.body)

    def kept(self) -> int:
        """How many messages wait for phones that are offline."""
        return sum(map(len, self._kept.values()))


class PushService:
    """The event loop. `sink` counts messages and keeps none, for any endpoint."""

    def __init__(
        self, listener: socket.socket, tls: ssl.SSLContext, origin: str, folder: Path, *, sink: bool
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._origin = origin
        self._sink = sink
        self._inbox = _Inbox(folder)
        self._faults = FaultBoard()
        self._refused: Counter[str] = Counter()
        self._blocks: dict[bytes, tuple[Headers, int]] = {}
        self._connections: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._awaited: list[tuple[int, int]] = []
        self._commands = b""
        self._running = True
        self._created = (
            b"HTTP/1.1 201 Created\r\nLocation: %s/message/%s-%%d\r\nContent-Length: 0\r\n\r\n"
        ) % (origin.encode(), secrets.token_urlsafe(9).encode())

    def run(self) -> None:
        """Serve until standard input ends."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._listen)
        select = self._selector.select
        while self._running:
            for key, _ in select():
                if type(key.data) is _Connection:
                    self._receive(key.data)
                else:
                    callback: Callable[[], None] = key.data
                    callback()
            if self._awaited:
                self._answer_awaited()
        self._inbox.spool.close()

    # Connections

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(
                self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            )
            self._connections.add(connection)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_TLS_RECORD)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except (OSError, ValueError):
            data = b""
        if data:
            buffer = connection.rest + data if connection.rest else data
            connection.rest = self._serve(connection, buffer)
        else:
            self._forget(connection).close()

    def _send(self, connection: _Connection, data: bytes) -> None:
        try:
            connection.socket.sendall(data)
        except (OSError, ValueError):  # a sender that reads no answers is not waited for
            self._part(connection, over=True)

    def _part(self, connection: _Connection, *, over: bool) -> None:
        """Hang up when all is said, unless it was done already."""
        if over and connection in self._connections:
            self._forget(connection).close()

    def _forget(self, connection: _Connection) -> ssl.SSLSocket:
        self._connections.discard(connection)
        self._selector.unregister(connection.socket)
        return connection.socket

    # Requests

    def _serve(self, connection: _Connection, buffer: bytes) -> bytes:
        """Answer every whole request in `buffer`; return what remains."""
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            line_end = buffer.find(b"\r\n")
            block = buffer[line_end + 2 : end]
            read, headers = self._blocks.get(block) or self._learn(block)
            body_end = end + 4 + read.length
            if len(buffer) < body_end and read.refusal not in _UNREAD:
                if read.awaits_continue and len(buffer) == end + 4:
                    self._send(connection, _CONTINUE)
                return buffer
            self._take(connection, buffer[:line_end], read, headers, buffer[end + 4 : body_end])
            if connection not in self._connections:
                return b""
            buffer = buffer[body_end:]
        if len(buffer) > _MOST_HEADER_BYTES:
            self._refused["431"] += 1
            self._send(connection, _REFUSALS[431])
            self._part(connection, over=True)
            return b""
        return buffer

    def _learn(self, block: bytes) -> tuple[Headers, int]:
        """Read a header block. A sender's messages share it, so this happens once per alert."""
        if len(self._blocks) >= _MOST_KNOWN_BLOCKS:
            self._blocks.clear()
        number = 0 if self._sink else self._inbox.spool.headers(block)
        self._blocks[block] = known = read_headers(block), number
        return known

    def _take(
        self, connection: _Connection, line: bytes, read: Headers, headers: int, body: bytes
    ) -> None:
        if not line.startswith(_POST):
            self._refuse(connection, read, 404 if line.startswith(b"POST ") else 405)
            return
        if read.refusal is not None:
            self._refuse(connection, read, read.refusal)
            return
        if self._sink:
            self._inbox.accepted += 1
        else:
            phone = self._inbox.phone(line[len(_POST) : line.find(b" ", len(_POST))])
            if phone is None:
                self._refuse(connection, read, 404)
                return
            fault = self._faults.strike(phone) if self._faults.any else None
            if fault is None:
                self._inbox.deliver(phone, headers, body)
            elif fault.kind is FaultKind.OFFLINE:
                self._inbox.keep(phone, read, headers, body)
            else:
                self._fail(connection, fault)
                return
        self._send(connection, self._created % self._inbox.accepted)
        self._part(connection, over=read.close)

    def _refuse(self, connection: _Connection, read: Headers, status: int) -> None:
        self._refused[str(status)] += 1
        self._send(connection, _REFUSALS[status])
        self._part(connection, over=read.close or status in _UNREAD)

    def _fail(self, connection: _Connection, fault: Fault) -> None:
        if fault.kind is FaultKind.ANSWER:
            self._refused[str(fault.status)] += 1
            self._send(connection, fault_answer(fault))
            return
        self._refused[fault.kind.value] += 1
        if fault.kind is FaultKind.SILENCE:
            return
        alone = self._forget(connection)
        alone.setblocking(True)
        threading.Thread(target=perform, args=(fault, alone), daemon=True).start()

    # Commands

    def _listen(self) -> None:
        data = os.read(sys.stdin.fileno(), 1 << 16)
        self._running = bool(data)
        *lines, self._commands = (self._commands + data).split(b"\n")
        for line in lines:
            self._obey(msgspec.json.decode(line, type=Asked))

    def _obey(self, asked: Asked) -> None:
        match asked.command:
            case Subscribe(count):
                self._say(asked.number, self._inbox.subscribe(count))
                return
            case AwaitReached(phones):
                self._awaited.append((phones, asked.number))
                return
            case SetFault(fault, phones):
                self._faults.set(fault, phones)
            case ClearFaults(phones):
                self._faults.clear(phones)
                self._inbox.come_online(phones)
            case StartOver():
                self._refused.clear()
                self._blocks.clear()
                self._inbox.start_over()
            case GetCounts():
                self._inbox.spool.flush()
        self._say(asked.number)

    def _answer_awaited(self) -> None:
        for phones, number in list(self._awaited):
            if self._inbox.reached >= phones:
                self._awaited.remove((phones, number))
                self._say(number)

    def _say(self, number: int, endpoints: list[str] | None = None) -> None:
        counts = Counts(
            accepted=self._inbox.accepted,
            reached=self._inbox.reached,
            kept=self._inbox.kept(),
            refused=dict(self._refused),
            connections=len(self._connections),
            first_at=self._inbox.first_at,
            last_at=self._inbox.last_at,
            spool=str(self._inbox.spool.path),
        )
        urls = [f"{self._origin}/push/{endpoint}" for endpoint in endpoints or ()]
        _print_line(msgspec.json.encode(Answer(number, counts, urls or None)))


def main() -> None:
    """Run a push service until standard input ends; print where it listens as the first line."""
    parser = argparse.ArgumentParser("python -m backend.drill.push_service", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="spools are written here")
    parser.add_argument("--certificates", type=Path, help="kept here; the folder by default")
    parser.add_argument("--host", default="localhost", help="name in the origin and certificate")
    parser.add_argument("--address", help="address to listen on, when it is not the host's own")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--sink", action="store_true", help="count messages and keep none")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to end
    folder: Path = options.folder
    host: str = options.host
    authority, server = ensure_certificates(options.certificates or folder, host, system_clock())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server)
    tls.set_alpn_protocols(["http/1.1"])
    address = socket.getaddrinfo(options.address or host, options.port, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(
        (str(address[4][0]), options.port), family=address[0], backlog=1024
    )
    port = listener.getsockname()[1]
    origin = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    service = PushService(listener, tls, origin, folder, sink=options.sink)
    _print_line(msgspec.json.encode(Ready(origin, str(authority))))
    service.run()


def _print_line(line: bytes) -> None:
    view = memoryview(line + b"\n")
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    main()
