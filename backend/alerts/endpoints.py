"""Decides whether an address may be pushed to. Pure: it resolves nothing and connects to nothing.

Everything but an exact, known host over https on its own port is refused, so that a subscription
cannot be used to reach into the operator's network (server-side request forgery).
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

MAX_ENDPOINT_BYTES = 941
"""What fits into a box beside the keys (see `boxes`)."""

BUILT_IN_HOSTS = frozenset(
    {
        "fcm.googleapis.com",
        "jmt17.google.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
    }
)
"""Google, Mozilla and Apple, exactly."""

WINDOWS_HOST = re.compile(r"^[a-z0-9-]{1,63}\.notify\.windows\.com$")
"""Windows gives each region a host of its own below this domain."""

_PLAIN = re.compile(r"^[!-~]+$")


class EndpointError(Exception):
    """The address may not be pushed to. `slug` says why; the address itself is never repeated."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class EndpointPolicy:
    """Which hosts are push services."""

    def __init__(self, more_hosts: Collection[str] = (), rehearsal_origin: str | None = None):
        self._hosts = BUILT_IN_HOSTS | frozenset(more_hosts)
        self._rehearsal = urlsplit(rehearsal_origin) if rehearsal_origin else None

    def check(self, endpoint: str) -> SplitResult:
        """The parts of an address that may be pushed to.

        Raises:
            EndpointError: it may not.
        """
        if len(endpoint.encode("utf-8", "replace")) > MAX_ENDPOINT_BYTES:
            raise EndpointError("endpoint-too-long")
        if not _PLAIN.match(endpoint):
            raise EndpointError("endpoint-malformed")
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError:
            raise EndpointError("endpoint-malformed") from None
        if parts.scheme != "https":
            raise EndpointError("endpoint-not-https")
        if "@" in parts.netloc or "\\" in endpoint or parts.fragment or "#" in endpoint:
            raise EndpointError("endpoint-malformed")
        if self.is_rehearsal(parts):
            return parts
        if parts.netloc != (parts.hostname or "") or port is not None:
            raise EndpointError("endpoint-host-unknown")
        if parts.netloc not in self._hosts and not WINDOWS_HOST.match(parts.netloc):
            raise EndpointError("endpoint-host-unknown")
        if len(parts.path) <= 1:
            raise EndpointError("endpoint-malformed")
        return parts

    def is_rehearsal(self, parts: SplitResult) -> bool:
        """Whether the address is at the rehearsal's push service, by exact origin."""
        return (
            self._rehearsal is not None
            and parts.scheme == self._rehearsal.scheme
            and parts.netloc == self._rehearsal.netloc
        )


def is_public(address: str) -> bool:
    """Whether an IP address is everybody's: no loopback, private, shared or mapped one."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            ip = inner
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
