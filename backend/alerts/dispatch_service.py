"""Verbs of a worker that has alerts to send: remind, divide into batches, send, close."""

from datetime import timedelta
from uuid import uuid5

import msgspec

from backend.alerts import repository, rules
from backend.alerts.fanout import Fanout
from backend.coalition.service import CoalitionService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.live import WORK, Live
from backend.events.service import EventService
from schemas.alerts import AlertKind

AUTHORS_KEPT = timedelta(hours=24)
"""How long it is known who composed and approved an alert that is over."""

BATCH_SIZE = 500
"""Subscriptions in a batch: what is sent twice, at the most, when a worker dies."""


class DispatchService:
    """In any number of workers at once: every step is claimed in Postgres."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        events: EventService,
        coalition: CoalitionService,
        live: Live,
        fanout: Fanout,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._events = events
        self._coalition = coalition
        self._live = live
        self._fanout = fanout

    async def send_due(self) -> int:
        """Send every batch that is due; gives their number. See `Fanout.send_due`."""
        return await self._fanout.send_due()

    async def forget_authors(self) -> int:
        """Forget who stood behind alerts that have been over for a day; gives their number."""
        async with self._pool.acquire() as connection, connection.transaction():
            over = await repository.forget_composers(connection, self._clock() - AUTHORS_KEPT)
            for alert in over:
                await self._coalition.withdraw_approvals(connection, alert.id)
        return len(over)

    def stop(self) -> None:
        """Take no further batch."""
        self._fanout.stop()

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
        for topic in (WORK, alert.id, alert.occurrence):
            await self._live.tell(topic)
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
            await self._live.tell(WORK)
        return written
