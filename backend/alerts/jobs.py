"""What a worker does for alerts, again and again, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from backend.alerts.dispatch_service import DispatchService
from backend.core.live import WORK, Live
from backend.core.logs import log

LOOK_EVERY_SECONDS = 0.5


class AlertJobs:
    """Plans and sends, side by side, so that an urgent alert need not wait for a calm one."""

    def __init__(self, dispatch: DispatchService, live: Live) -> None:
        self._dispatch = dispatch
        self._live = live
        self._stopping = False

    async def run(self) -> None:
        """Plan and send until stopped. Survives the absence of Postgres and Redis."""
        await asyncio.gather(
            self._again_and_again("plan", self._dispatch.plan_and_close),
            self._again_and_again("send", self._dispatch.send_due),
        )

    def stop(self) -> None:
        """Finish the batches under way and return from `run`."""
        self._stopping = True
        self._dispatch.stop()
        self._live.wake(WORK)

    async def _again_and_again(self, job: str, step: Callable[[], Awaitable[int]]) -> None:
        async with aclosing(self._live.changes(WORK, LOOK_EVERY_SECONDS)) as changes:
            async for _ in changes:
                if self._stopping:
                    return
                try:
                    if await step():
                        self._live.wake(WORK)
                except Exception as error:  # noqa: BLE001 - tried again at the next look
                    log.error(
                        "job-failed",
                        job=job,
                        error=type(error).__name__,
                        sqlstate=getattr(error, "sqlstate", None),
                    )
