"""A client of the public API, as organisers' and attendees' devices use it. Knows no back door."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from schemas.problems import ProblemDetails

_PATIENCE = timedelta(seconds=30)
_TRIES = 4
_WAIT_SECONDS = 0.5
_TRY_AGAIN = (429, 503)
_ERRORS = 400
_NOT_FOUND = 404

AnswerT = TypeVar("AnswerT")


class ApiError(Exception):
    """The API refused. `status` and `slug` tell why (RFC 9457); no message holds what was sent."""

    def __init__(self, method: str, path: str, problem: ProblemDetails) -> None:
        self.status = problem.status
        self.slug = problem.type.rpartition("/")[2]
        fields = "; ".join(f"{each.pointer}: {each.reason}" for each in problem.errors or ())
        words = [problem.title, problem.detail or "", fields]
        answered = ". ".join(word.rstrip(".") for word in words if word)
        super().__init__(f"{method} {path} was answered {problem.status}: {answered}.")


class ApiUnreachableError(Exception):
    """The API did not answer, several times over."""


class Api:
    """One origin. Writes are idempotent there, so a request that got no answer is sent again."""

    def __init__(self, origin: str) -> None:
        self.origin = origin.rstrip("/")
        self._client = ClientBuilder().timeout(_PATIENCE).follow_redirects(False).no_proxy().build()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def get(self, path: str, answer: type[AnswerT], *, token: str | None = None) -> AnswerT:
        """Read something; see `send` for what it raises."""
        response = await self.send("GET", path, token=token)
        return msgspec.json.decode(await response.bytes(), type=answer)

    async def etag(self, path: str) -> str | None:
        """The entity tag of something public, or None when there is no such thing yet."""
        try:
            return (await self.send("GET", path)).get_header("ETag")
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def put(
        self,
        path: str,
        body: object,
        answer: type[AnswerT],
        *,
        token: str,
        if_match: str | None = None,
    ) -> AnswerT:
        """Write something; see `send` for what it raises."""
        response = await self.send("PUT", path, body, token=token, if_match=if_match)
        return msgspec.json.decode(await response.bytes(), type=answer)

    async def post(self, path: str, body: object, answer: type[AnswerT], *, token: str) -> AnswerT:
        """Do something; see `send` for what it raises."""
        response = await self.send("POST", path, body, token=token)
        return msgspec.json.decode(await response.bytes(), type=answer)

    async def delete(self, path: str, *, token: str) -> None:
        """Remove something; see `send` for what it raises."""
        await self.send("DELETE", path, token=token)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        if_match: str | None = None,
        tries: int = _TRIES,
    ) -> Response:
        """Send a request, up to `tries` times while the API is busy, and return its answer.

        Raises:
            ApiError: it was refused.
            ApiUnreachableError: there was no answer.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = b""
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        if if_match is not None:
            headers["If-Match"] = if_match
        for attempt in range(tries):
            if attempt:
                await asyncio.sleep(_WAIT_SECONDS * 2**attempt)
            try:
                response = await self._send_once(method, path, headers, content)
            except PyreqwestError:
                continue
            if response.status not in _TRY_AGAIN or attempt == tries - 1:
                return await _accepted(method, path, response)
        raise ApiUnreachableError(f"{self.origin} does not answer.")

    async def _send_once(
        self, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> Response:
        request = self._client.request(method, self.origin + path).headers(headers)
        if content:
            request = request.body_bytes(content)
        return await request.build().send()


async def _accepted(method: str, path: str, response: Response) -> Response:
    if response.status < _ERRORS:
        return response
    try:
        problem = msgspec.json.decode(await response.bytes(), type=ProblemDetails)
    except msgspec.MsgspecError:
        problem = ProblemDetails(
            type="no-problem-details",
            title="It answered without problem details (RFC 9457)",
            status=response.status,
        )
    raise ApiError(method, path, problem)
