"""What the worker does for alerts: reminds, divides into batches, sends, closes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import uuid5

import msgspec

from backend.alerts import repository, rules
from backend.alerts.fanout import BATCH_SIZE, Fanout
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.live import Live
from backend.core.logs import log
from backend.events.service import EventService
from schemas.alerts import AlertKind

LOOK_EVERY_SECONDS = 0.5


class AlertJobs:
    """Run in any number of workers at once: every step is claimed in Postgres."""

    def __init__(
        self, pool: Pool, clock: Clock, events: EventService, live: Live, fanout: Fanout
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._events = events
        self._live = live
        self._fanout = fanout
        self._stopping = False

    async def run(self) -> None:
        """Plan and send until stopped. Survives the absence of Postgres and Redis."""
        await asyncio.gather(
            self._again_and_again("plan", self.plan_and_close),
            self._again_and_again("send", self._fanout.send_due),
        )

    def stop(self) -> None:
        """Finish the batches under way and return from `run`."""
        self._stopping = True
        self._fanout.stop()
        self._live.wake(rules.WORK)

    async def _again_and_again(self, job: str, step: Callable[[], Awaitable[int]]) -> None:
        async with aclosing(self._live.changes(rules.WORK, LOOK_EVERY_SECONDS)) as changes:
            async for _ in changes:
                if self._stopping:
                    return
                try:
                    if await step():
                        self._live.wake(rules.WORK)
                except Exception as error:  # noqa: BLE001 - tried again at the next look
                    log.error(
                        "job-failed",
                        job=job,
                        error=type(error).__name__,
                        sqlstate=getattr(error, "sqlstate", None),
                    )

    async def plan_and_close(self) -> int:
        """Divide approved alerts into batches, close those that are done; gives the approved."""
        planned = 0
        while await self._plan_one():
            planned += 1
        closed = await repository.finish_sent_alerts(self._pool, self._clock())
        for alert in closed:
            await self._live.tell(alert.id)
            await self._live.tell(alert.occurrence)
        return planned

    async def _plan_one(self) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            alert = await repository.take_approved_alert(connection)
            if alert is None:
                return False
            now = self._clock()
            if alert.expires_at is not None and alert.expires_at <= now:
                await repository.expire_alert(connection, alert.id)
            else:
                await repository.divide_into_batches(connection, alert, BATCH_SIZE, now)
                await repository.start_sending(connection, alert.id)
        await self._live.tell(alert.id)
        await self._live.tell(alert.occurrence)
        return True

    async def remind(self) -> int:
        """Write the reminders that are due, each once; gives their number."""
        now = self._clock()
        written = 0
        for due in await self._events.occurrences_with_reminders_due(now):
            id_ = uuid5(due.occurrence, f"reminder {due.minutes_before}")
            texts = rules.reminder_texts(due.titles, due.place_names, due.starts_at)
            written += await repository.insert_reminder(
                self._pool,
                id=id_,
                series=due.series,
                occurrence=due.occurrence,
                texts=msgspec.to_builtins(texts),
                tag=rules.tag_of(id_),
                minutes=due.minutes_before,
                now=now,
                expires_at=min(
                    now + rules.HANDLING[AlertKind.REMINDER].time_to_live, due.starts_at
                ),
            )
        if written:
            await self._live.tell(rules.WORK)
        return written
