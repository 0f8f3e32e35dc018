"""What bytes on a real connection can do to the API: nothing, and the next request is served."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from backend.core.bodies import MAX_BODY_BYTES
from backend.settings import Settings

START_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
CANARY = "203.0.113.77"

GOOD = b"GET /health/live HTTP/1.1\r\nHost: rally.example\r\nConnection: close\r\n\r\n"
REDEEM = (
    b"POST /v1/invites/redeem HTTP/1.1\r\nHost: rally.example\r\nConnection: close\r\n"
    b"Authorization: Bearer " + b"A" * 43 + b"\r\nContent-Type: application/json\r\n"
)


class Api:
    """A running API process, and raw connections to it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    async def send(self, *parts: bytes) -> bytes:
        """Send the parts one after the other; everything that comes back until the end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            answer = b""
            try:
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                answer = await reader.read()
            except ConnectionError:
                pass  # the server has said what it had to say
            finally:
                writer.close()
        return answer

    async def serves(self) -> bool:
        """Whether an ordinary request is answered."""
        try:
            return (await self.send(GOOD)).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


@pytest.fixture(scope="module")
async def api(settings: Settings) -> AsyncIterator[Api]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": "/usr/bin:/bin",
        "EXIT10_DATABASE_URL": settings.database_url.reveal().decode(),
        "EXIT10_REDIS_URL": settings.redis_url.reveal().decode(),
        "EXIT10_TOKEN_KEY": base64.urlsafe_b64encode(settings.token_key.reveal()).decode(),
        "EXIT10_BIND": f"127.0.0.1:{port}",
        "EXIT10_LOG_LEVEL": "debug",
    }
    process = subprocess.Popen(  # noqa: ASYNC220 - it runs beside the tests
        [sys.executable, "-m", "backend.cli", "serve"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    api = Api(process, port)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await api.serves():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        yield api
    finally:
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert CANARY not in out + err
    assert "/health/live" not in out + err


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def problem(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return str(json.loads(body)["type"]).rpartition("/")[2]


@pytest.mark.parametrize(
    "header",
    [
        f"X-Forwarded-For: {CANARY}",
        f"Forwarded: for={CANARY};host=evil.example;proto=http",
        f"X-Real-IP: {CANARY}",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: http",
        f"User-Agent: {CANARY}",
    ],
)
async def test_bad_input_51_what_a_client_says_of_its_address_changes_nothing(
    api: Api, header: str
) -> None:
    plain = await api.send(
        b"GET /v1/places HTTP/1.1\r\nHost: rally.example\r\nConnection: close\r\n\r\n"
    )
    spoofed = await api.send(
        b"GET /v1/places HTTP/1.1\r\nHost: rally.example\r\nConnection: close\r\n"
        + header.encode()
        + b"\r\n\r\n"
    )
    assert status(plain) == status(spoofed) == 200
    assert plain.partition(b"\r\n\r\n")[2] == spoofed.partition(b"\r\n\r\n")[2]
    assert b"evil.example" not in spoofed


@pytest.mark.parametrize("host", [b"Host: evil.example\r\n", b"Host: \r\n", b""])
async def test_bad_input_51_no_answer_is_made_of_the_host_header(api: Api, host: bytes) -> None:
    for path in (b"/v1/places", b"/v1/nowhere", b"/v1/places/"):
        answer = await api.send(
            b"GET " + path + b" HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"
        )
        assert status(answer) in (200, 400, 404)
        assert b"evil.example" not in answer
    assert await api.serves()


async def test_bad_input_57_an_announced_body_over_the_limit_is_refused_unread(api: Api) -> None:
    answer = await api.send(REDEEM + b"Content-Length: 10000000\r\n\r\n")
    assert (status(answer), problem(answer)) == (413, "too-large")
    assert await api.serves()


async def test_bad_input_57_an_unannounced_body_over_the_limit_is_refused(api: Api) -> None:
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    count = MAX_BODY_BYTES // 0x4000 + 1
    answer = await api.send(
        REDEEM + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * count, b"0\r\n\r\n"
    )
    assert (status(answer), problem(answer)) == (413, "too-large")
    assert await api.serves()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /health/live HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        REDEEM + b"Content-Length: -1\r\n\r\n",
        REDEEM + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
        REDEEM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_bytes_that_are_no_request_hurt_nobody(api: Api, request_bytes: bytes) -> None:
    answer = await api.send(request_bytes)
    assert not answer or status(answer) >= 400
    assert await api.serves()


async def test_bad_input_58_clients_who_dawdle_keep_nobody_else_waiting(api: Api) -> None:
    dawdlers = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(200)]
    try:
        for _, writer in dawdlers[::2]:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: rally.exam")
        for _, writer in dawdlers[1::2]:
            writer.write(REDEEM + b"Content-Length: 100\r\n\r\n{")
        async with asyncio.timeout(5.0):
            for _ in range(20):
                assert await api.serves()
    finally:
        for _, writer in dawdlers:
            writer.close()


async def test_bad_input_71_a_client_who_goes_in_the_middle_is_not_missed(api: Api) -> None:
    for _ in range(50):
        _, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(REDEEM + b"Content-Length: 100\r\n\r\n{")
        writer.transport.abort()
    assert await api.serves()


async def test_the_server_tells_no_version(api: Api) -> None:
    head = (await api.send(GOOD)).partition(b"\r\n\r\n")[0].lower()
    assert b"server: granian\r\n" in head
    assert b"python" not in head
