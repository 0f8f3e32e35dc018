"""Carries a push to a push service over HTTPS, to an address that was checked and is then kept.

Follows no redirect, decompresses nothing, reads next to nothing of the answer, uses no proxy. A
name that starts to resolve inside the operator's network is refused before a connection is made.
"""

import asyncio
import secrets
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import SplitResult

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from backend.alerts.endpoints import EndpointPolicy, is_public
from backend.core.clock import Clock

IN_FLIGHT = 64
"""Messages under way to one push service at a time, per worker."""

CONNECT_SECONDS = 5.0
ANSWER_WITHIN = timedelta(seconds=10)
MOST_READ_BYTES = 4096
ADDRESS_KEPT = timedelta(minutes=1)
LONGEST_PATIENCE = timedelta(days=1)
USER_AGENT = "exit10"


class Answer(msgspec.Struct, frozen=True):
    """What a push service said."""

    status: int
    retry_after: timedelta | None = None


class TransportError(Exception):
    """No answer: the push service is away, silent, or not where it may be. `reason` is a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transport(Protocol):
    """How a push gets out."""

    async def post(
        self, endpoint: str, parts: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send one push.

        Raises:
            TransportError: there was no answer.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class _Route(msgspec.Struct, frozen=True):
    client: Client
    address: str
    checked_at: datetime


class HttpsTransport:
    """A client for each push service, bound to one checked address."""

    def __init__(
        self,
        policy: EndpointPolicy,
        clock: Clock,
        rehearsal_ca: bytes | None,
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._rehearsal_ca = rehearsal_ca
        self._answer_within = answer_within
        self._routes: dict[str, _Route] = {}
        self._finding: dict[str, asyncio.Lock] = {}

    async def post(
        self, endpoint: str, parts: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send one push; see `Transport.post`."""
        client = await self._client(parts)
        request = client.post(endpoint).headers(headers).body_bytes(body).build_streamed()
        try:
            async with request as response:
                retry_after = response.get_header("retry-after")
                if response.get_header("content-length") != "0":
                    await response.body_reader.read(MOST_READ_BYTES)
                return Answer(response.status, self._patience(retry_after))
        except (PyreqwestError, OSError) as error:
            self._routes.pop(parts.netloc, None)
            raise TransportError(type(error).__name__) from None

    async def close(self) -> None:
        """Let go of all connections."""
        routes, self._routes = self._routes, {}
        for route in routes.values():
            await route.client.close()

    async def _client(self, parts: SplitResult) -> Client:
        route = self._routes.get(parts.netloc)
        if route is not None and self._clock() - route.checked_at < ADDRESS_KEPT:
            return route.client
        async with self._finding.setdefault(parts.netloc, asyncio.Lock()):
            newer = self._routes.get(parts.netloc)
            if newer is not None and newer is not route:
                return newer.client
            address = await self._address(parts, newer)
            client = (
                newer.client
                if newer is not None and newer.address == address
                else self._build(parts, address)
            )
            self._routes[parts.netloc] = _Route(client, address, self._clock())
            return client

    async def _address(self, parts: SplitResult, known: _Route | None) -> str:
        """An address of the host: the known one while it is still among them."""
        host, port = parts.hostname or "", parts.port or 443
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except (OSError, TimeoutError):
            raise TransportError("NameDoesNotResolve") from None
        addresses = sorted({str(entry[4][0]) for entry in found})
        rehearsal = self._policy.is_rehearsal(parts)
        if not addresses or not (rehearsal or all(map(is_public, addresses))):
            raise TransportError("AddressNotPublic")
        if known is not None and known.address in addresses:
            return known.address
        return secrets.choice(addresses)

    def _build(self, parts: SplitResult, address: str) -> Client:
        builder = (
            ClientBuilder()
            .https_only(True)
            .http2(True)
            .follow_redirects(False)
            .no_proxy()
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent(USER_AGENT)
            .max_connections(IN_FLIGHT)
            .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
            .timeout(self._answer_within)
            .resolve(parts.hostname or "", address, parts.port or 443)
        )
        if self._rehearsal_ca is not None and self._policy.is_rehearsal(parts):
            builder = builder.add_root_certificate_pem(self._rehearsal_ca)
        return builder.build()

    def _patience(self, retry_after: str | None) -> timedelta | None:
        """Retry-After in either form (RFC 9110 section 10.2.3); nonsense is no wish."""
        if retry_after is None:
            return None
        if retry_after.isascii() and retry_after.isdigit():
            return min(timedelta(seconds=int(retry_after[:9])), LONGEST_PATIENCE)
        try:
            at = parsedate_to_datetime(retry_after)
            patience = (at if at.tzinfo else at.replace(tzinfo=UTC)) - self._clock()
        except (ValueError, OverflowError):
            return None
        return min(max(patience, timedelta()), LONGEST_PATIENCE)
