"""Entity tags and true 304s (RFC 9110 section 13) for answers that many phones ask for."""

import base64
import hashlib
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec

NOT_MODIFIED = ResponseSpec(None, description="The client has it already (If-None-Match)")
"""The 304 of an operation that answers through `cacheable`, for `responses=`."""


def entity_tag(body: bytes) -> str:
    """A strong entity tag: the same for the same bytes, in every process."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:15]).decode()}"'


def matches(condition: str | None, tag: str) -> bool:
    """Whether an If-None-Match header names `tag` (weak comparison, RFC 9110 section 8.8.3.2)."""
    if condition is None:
        return False
    if condition.strip() == "*":
        return True
    return tag in (part.strip().removeprefix("W/") for part in condition.split(","))


def cacheable(
    request: Request[Any, Any, Any],
    content: object,
    *,
    max_age: int,
    media_type: str = "application/json",
) -> Response[bytes]:
    """Answer with `content` (bytes as they are, otherwise JSON), or 304 when the client has it.

    Args:
        max_age: seconds that a shared cache may keep it without asking.
    """
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    tag = entity_tag(body)
    headers = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={max_age}, stale-if-error=86400",
        "Vary": "Accept-Language",
    }
    if matches(request.headers.get("if-none-match"), tag):
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    return Response(body, headers=headers, media_type=media_type)
