"""The page on a real port, with the Friday series loaded, and visitors to look at it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from playwright.async_api import Browser, async_playwright

from backend.events import friday
from backend.settings import Settings
from tests.browser.visitor import QUIET, Visitor, arrive, chromium
from tests.support.clock import SetClock

Arrive = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def origin(app: Litestar, settings: Settings, module_clock: SetClock) -> AsyncIterator[str]:
    """Where the page is: the running application behind granian, with the Fridays loaded."""
    await friday.load(settings, module_clock)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    server = Server(app, port=port, interface=Interfaces.ASGINL, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    await _listening(port)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await serving


@pytest.fixture
async def visit(browser: Browser, origin: str, clock: SetClock) -> AsyncIterator[Arrive]:
    """`await visit(language="en-US")` is one more visitor; all leave after the test."""
    visitors: list[Visitor] = []

    async def visit(**how: Any) -> Visitor:
        visitors.append(await arrive(browser, origin, clock(), **how))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        await visitor.context.close()


async def _listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise TimeoutError(port)
