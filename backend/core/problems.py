"""Turns every failure into problem details (RFC 9457). Never echoes what was sent.

The only place that knows which refusal has which HTTP status.
"""

import re
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from redis.exceptions import RedisError

from backend.core import errors
from backend.core.logs import log
from schemas.problems import InvalidField, ProblemDetails

MEDIA_TYPE = "application/problem+json"

STATUS_OF: dict[type[errors.DomainError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Refused: 403,
    errors.Unacceptable: 422,
    errors.Gone: 410,
    errors.Unavailable: 503,
}

TITLES: dict[int, tuple[str, str]] = {
    400: ("bad-request", "The request cannot be understood"),
    401: ("token-missing", "A token is needed and none, or none that is valid, was sent"),
    403: ("not-allowed", "This token does not allow that"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "This address does not answer to that method"),
    409: ("conflict", "The present state does not allow that"),
    410: ("gone", "It was here, and is over"),
    412: ("changed-meanwhile", "Somebody changed it meanwhile"),
    413: ("too-large", "The request is larger than this address accepts"),
    415: ("media-type", "The body must be application/json"),
    422: ("unacceptable", "The request is well formed and asks for what cannot be"),
    428: ("precondition-needed", "Say which version the change is based on (If-Match)"),
    429: ("slow-down", "Too many requests at once; try again shortly"),
    500: ("internal", "Something went wrong on our side"),
    503: ("unavailable", "Not now; try again shortly"),
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A refusal that the HTTP side itself decides."""

    def __init__(
        self,
        status: int,
        slug: str | None = None,
        detail: str | None = None,
        *,
        errors: list[InvalidField] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slug or TITLES[status][0])
        self.status = status
        self.slug = slug or TITLES[status][0]
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def answers(*statuses: int) -> dict[int, ResponseSpec]:
    """The error answers of an operation, for `responses=`. 500 belongs to every operation."""
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=TITLES[status][1],
            media_type=MEDIA_TYPE,
        )
        for status in (*statuses, 500)
    }


def respond(problem: Problem) -> Response[bytes]:
    """The response that tells of a problem."""
    details = ProblemDetails(
        type=f"/problems/{problem.slug}",
        title=TITLES[problem.status][1],
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors,
    )
    return Response(
        msgspec.json.encode(details),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


_FIELD_PATH = re.compile(r" - at `(?:key` in `)?\$(.*)`$")
_MISSING_PARAMETER = re.compile(r"^Missing required \w+ parameter '([\w-]+)' for ")
_OWN_WORDS = re.compile(r"^(Expected |Object missing required field |text must not )")


def validation_problem(error: msgspec.ValidationError) -> Problem:
    """A problem that names the place and the rule, and never the value or an unknown name."""
    message = str(error)
    match = _FIELD_PATH.search(message)
    pointer = _pointer(match[1]) if match else ""
    reason = message[: match.start()] if match else message
    if reason.startswith("Object contains unknown field"):
        reason = "Unknown fields are refused"
    elif reason.startswith("Invalid enum value"):
        reason = "Not one of the allowed values"
    elif not _OWN_WORDS.match(reason):
        reason = reason if isinstance(error.__cause__, ValueError) else "Not acceptable"
    return Problem(400, "invalid-body", errors=[InvalidField(pointer=pointer, reason=reason)])


def _pointer(path: str) -> str:
    """`.texts[...].title` as msgspec says it, `/texts/*/title` as a JSON pointer would."""
    return "/" + path.replace("[...]", ".*").replace("[", ".").replace("]", "").strip(".").replace(
        ".", "/"
    )


def on_problem(_: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
    """Handler of `Problem`."""
    return respond(error)


def on_domain_error(_: Request[Any, Any, Any], error: errors.DomainError) -> Response[bytes]:
    """Handler of every refusal by a service."""
    status = STATUS_OF[type(error)]
    headers = {"Retry-After": "5"} if status == 503 else {}  # noqa: PLR2004
    return respond(Problem(status, error.slug, error.sentence, headers=headers))


def on_parameter_error(_: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """Handler of wrong path and query parameters; keeps their names, drops their values."""
    extra = error.extra if isinstance(error.extra, list) else []
    if any(isinstance(each, dict) and each.get("source") == "body" for each in extra):
        return respond(Problem(400, "invalid-body", "The body is missing."))
    wrong = [
        InvalidField(pointer=str(each.get("key", "")), reason="Not acceptable")
        for each in extra
        if isinstance(each, dict)
    ]
    if missing := _MISSING_PARAMETER.search(error.detail):
        wrong.append(InvalidField(pointer=missing[1], reason="Missing"))
    return respond(Problem(400, "invalid-parameter", errors=wrong))


def on_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Handler of what the framework refuses: no such path, wrong method, too large."""
    status = error.status_code if error.status_code in TITLES else 400
    if error.status_code >= 500:  # noqa: PLR2004
        return on_failure(_, error)
    allowed = (error.headers or {}).get("allow")
    return respond(Problem(status, headers={"Allow": allowed} if allowed else None))


def on_failure(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Handler of everything else: 503 when a server that we need is away, otherwise 500."""
    away = isinstance(
        error,
        OSError
        | TimeoutError
        | RedisError
        | asyncpg.PostgresConnectionError
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError
        | asyncpg.CannotConnectNowError
        | asyncpg.TooManyConnectionsError
        | asyncpg.OperatorInterventionError
        | asyncpg.InsufficientResourcesError,
    )
    log.error(
        "request-failed",
        method=request.method,
        route=str(request.scope.get("path_template", "")),
        error=type(error).__name__,
        sqlstate=getattr(error, "sqlstate", None),
    )
    if away:
        return respond(Problem(503, headers={"Retry-After": "5"}))
    return respond(Problem(500))


HANDLERS: dict[int | type[Exception], Any] = {
    Problem: on_problem,
    errors.DomainError: on_domain_error,
    ValidationException: on_parameter_error,
    HTTPException: on_http_error,
    Exception: on_failure,
}
