"""Security headers on every answer, errors included, and counts by route and status class."""

import time
from typing import Any, cast

from litestar.types import Message, Scope
from prometheus_client import Counter, Histogram

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
        b"object-src 'none'; require-trusted-types-for 'script'; trusted-types exit10",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
    (b"strict-transport-security", b"max-age=31536000"),
)

REQUESTS = Counter(
    "exit10_requests", "Answers by route template and status class", ("route", "status")
)
SECONDS = Histogram("exit10_request_seconds", "Seconds until an answer began", ("route",))


async def before_send(message: Message, scope: Scope) -> None:
    """Complete the headers of an answer that is about to begin, and count it."""
    if message["type"] != "http.response.start":
        return
    present = {name.lower() for name, _ in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *(header for header in SECURITY_HEADERS if header[0] not in present),
        *([(b"cache-control", b"no-store")] if b"cache-control" not in present else []),
    ]
    route = str(cast("dict[str, Any]", scope).get("path_template", "other"))
    REQUESTS.labels(route, f"{message['status'] // 100}xx").inc()
    started = cast("dict[str, Any]", scope)["state"].get("started")
    if started is not None:
        SECONDS.labels(route).observe(time.perf_counter() - started)
