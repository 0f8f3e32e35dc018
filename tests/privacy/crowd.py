"""People of a rally and all that their devices give away with each request, so that it is found."""

import ipaddress
import secrets
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import httpx

from backend.drill.phones import Phone, base64url_decoded
from tests.privacy.canaries import Canary, address, letters, octets, text


class Given(NamedTuple):
    """What an answer was to, and all of it that came over the wire."""

    status: int
    body: Any
    wire: bytes


class Person:
    """Somebody with a device of her own. Every request of hers carries the same canaries."""

    def __init__(self, origin: str, name: str, seen: list[Canary], wires: list[bytes]) -> None:
        self.name = name
        self._seen = seen
        self._wires = wires
        self._query = self._text("query string")
        # Linux lets a client be anyone below 127/8, so that the API sees many addresses.
        local = f"127.{_three_digits()}.{_three_digits()}.{_three_digits()}"
        if sys.platform == "linux":
            seen.append(address(f"{name}'s address", local))
        told = str(ipaddress.IPv6Address(secrets.token_bytes(16)))
        seen.append(address(f"the address told of {name}", told))
        self._client = httpx.AsyncClient(
            base_url=origin,
            headers={
                "User-Agent": f"Mozilla/5.0 ({self._text('user agent')})",
                "Referer": f"https://chat.example/{self._text('referrer')}",
                "X-Forwarded-For": told,
                "X-Real-IP": told,
                "Forwarded": f'for="[{told}]";proto=https',
                "X-Forwarded-Host": self._text("proxied host"),
                "Cookie": f"session={self._text('cookie')}",
                "Origin": f"https://{self._text('origin')}",
                "Accept-Language": f"ko, {self._text('language')};q=0.5",
                "If-None-Match": f'"{self._text("entity tag")}"',
            },
            transport=httpx.AsyncHTTPTransport(
                local_address=local if sys.platform == "linux" else None
            ),
            timeout=20.0,
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: dict[str, str] | None = None,
        **content: Any,
    ) -> Given:
        """Send a request; `json=`, `content=` and `headers=` as httpx takes them."""
        headers: dict[str, str] = content.pop("headers", {})
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        params = {"utm_source": self._query, **(query or {})}
        answer = await self._client.request(method, path, params=params, headers=headers, **content)
        wire = repr(answer.headers.multi_items()).encode() + answer.content
        self._wires.append(wire)
        is_json = "json" in answer.headers.get("content-type", "") and answer.content
        return Given(answer.status_code, answer.json() if is_json else None, wire)

    def listen(
        self, path: str, token: str | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a stream of server-sent events."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._client.stream(
            "GET", path, params={"utm_source": self._query}, headers=headers, timeout=None
        )

    def heard(self, line: str) -> None:
        """Note a line of a stream."""
        self._wires.append(line.encode())

    def secret(self, what: str, value: str) -> str:
        """Note a token or the like, in base64url, that she sends once."""
        self._seen.append(octets(f"{what} of {self.name}", base64url_decoded(value)))
        return value

    def canary(self, what: str) -> str:
        """A fresh text that she sends once."""
        return self._text(what)

    async def leave(self) -> None:
        """Close her connections."""
        await self._client.aclose()

    def _text(self, what: str) -> str:
        value = letters()
        self._seen.append(text(f"{what} of {self.name}", value))
        return value


class Attendee(Person):
    """Somebody with a phone that can be pushed to."""

    def __init__(
        self, origin: str, name: str, endpoint: str, seen: list[Canary], wires: list[bytes]
    ) -> None:
        super().__init__(origin, name, seen, wires)
        self.phone = Phone.new(endpoint)
        self.token = self.phone.token
        seen += [
            octets(f"endpoint of {name}", base64url_decoded(endpoint.rpartition("/")[2])),
            octets(f"p256dh of {name}", self.phone.point),
            octets(f"auth of {name}", self.phone.auth),
            octets(f"token of {name}", base64url_decoded(self.token)),
        ]

    async def subscribe(self, series: str, language: str = "ko") -> Given:
        """Subscribe her phone, or renew it."""
        return await self.ask(
            "PUT",
            "/v1/push/subscription",
            token=self.token,
            json={
                "subscription": self.phone.subscription(),
                "series": series,
                "language": language,
            },
        )


def _three_digits() -> int:
    return 100 + secrets.randbelow(155)
