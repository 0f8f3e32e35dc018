"""Runs an application between fixtures: its lifespan must end in the very task that began it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager


@asynccontextmanager
async def held(context: AbstractAsyncContextManager[object]) -> AsyncGenerator[None]:
    """Enter `context` in a task of its own, and leave it there in the end."""
    entered, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with context:
            entered.set()
            await over.wait()

    holder = asyncio.create_task(hold())
    beginning = asyncio.create_task(entered.wait())
    await asyncio.wait({holder, beginning}, return_when=asyncio.FIRST_COMPLETED)
    beginning.cancel()
    if holder.done():
        await holder
    try:
        yield
    finally:
        over.set()
        await holder
