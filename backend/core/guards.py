"""Default-deny: every operation says who may use it, and what says nothing is closed to all.

Knows tokens, roles and scopes as words only; who holds a token is asked of an `Authenticate`
function that the composition root provides.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from backend.core.problems import Problem
from backend.core.tokens import parse_token

PUBLIC = {"access": "public"}
"""Anybody may use the operation, and nothing about them is looked at."""

BEARER = {"access": "bearer"}
"""Any well-formed capability token; the service decides what it opens."""

SCOPES = frozenset(
    {
        "series:write",
        "alerts:compose",
        "alerts:approve",
        "invites:write",
        "tokens:write",
        "progress:read",
    }
)
"""Every scope an access token may have."""


def scoped(scope: str) -> dict[str, str]:
    """An organiser's access token with `scope`."""
    if scope not in SCOPES:
        raise LookupError(scope)
    return {"access": scope}


class Organiser(msgspec.Struct, frozen=True):
    """Who an access token speaks for."""

    id: UUID
    handle: str
    role: str
    token: UUID
    scopes: frozenset[str]


Authenticate = Callable[[bytes], Awaitable[Organiser | None]]

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="exit10"'}


def bearer_of(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """The 32 bytes of the request's bearer token (RFC 6750 section 2.1, headers only).

    Raises:
        Problem: 401, none or a malformed one was sent.
    """
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    token = parse_token(text) if scheme.lower() == "bearer" else None
    if token is None:
        raise Problem(401, headers=_CHALLENGE)
    return token


async def enforce(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """The application's guard.

    Raises:
        Problem: 401 without a valid token, 403 when its scopes or the operation do not allow it.
    """
    access = handler.opt.get("access")
    if access == "public" or connection.scope.get("method") == "OPTIONS":
        return
    if access == "bearer":
        bearer_of(connection)
        return
    if access not in SCOPES:
        raise Problem(403)
    authenticate: Authenticate = connection.app.state.authenticate
    organiser = await authenticate(bearer_of(connection))
    if organiser is None:
        raise Problem(401, headers=_CHALLENGE)
    if access not in organiser.scopes:
        raise Problem(403)
    connection.scope["state"]["organiser"] = organiser


async def provide_bearer(request: Request[Any, Any, Any]) -> bytes:
    """Dependency: the caller's capability token."""
    return bearer_of(request)


async def provide_organiser(request: Request[Any, Any, Any]) -> Organiser:
    """Dependency: the organiser whom the guard let in."""
    organiser = request.scope["state"].get("organiser")
    if not isinstance(organiser, Organiser):
        raise Problem(403)
    return organiser
