"""Carries alerts to phones: leases batches, opens boxes, encrypts, sends, records.

A worker killed at any instant loses nothing: its lease runs out and another worker sends the batch
again, under the same tag, so that phones replace what they show. A batch begins to be sent only
when the one before is recorded and while its lease holds; it is leased and read while that one is
sent, and its first messages are made ready. So at most one batch of a worker is ever sent twice.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import SplitResult
from uuid import UUID, uuid4

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from prometheus_client import Counter

from backend.alerts import repository, rules
from backend.alerts.boxes import BoxContext, Destination, open_destination
from backend.alerts.breaker import Breaker
from backend.alerts.endpoints import EndpointError, EndpointPolicy
from backend.alerts.repository import AlertRow, BatchRow, SealedRow
from backend.alerts.rules import Outcome
from backend.alerts.transport import IN_FLIGHT, Answer, Transport, TransportError
from backend.alerts.webpush import Signer, encrypt
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.keyring import Keyring
from backend.core.languages import pick
from backend.core.live import Live
from backend.core.logs import log
from backend.core.sealing import BoxError
from backend.core.sql import Executor
from schemas.alerts import AlertKind, AlertText

LEASE = timedelta(seconds=8)
RENEW_EVERY_SECONDS = 2.0
PAUSES_SECONDS = (0.1, 0.2, 0.5, *(1.0,) * 60)
"""Between tries while Postgres is away; altogether what a restart of it takes."""
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises while the server is away; the last, when it goes at a bad moment."""

Result = TypeVar("Result")

PUSHES = Counter("exit10_pushes", "Pushes by outcome", ("outcome",))


class Work(msgspec.Struct, frozen=True):
    """A leased batch with everything needed to send it."""

    batch: BatchRow
    alert: AlertRow
    rows: list[SealedRow]
    payloads: dict[str, bytes]
    headers: dict[str, str]
    keys: dict[int, X25519PrivateKey | None]


class Tally(msgspec.Struct):
    """What became of a batch so far."""

    delivered: int = 0
    failed: int = 0
    gone: list[SealedRow] = msgspec.field(default_factory=list)
    later: dict[datetime, list[UUID]] = msgspec.field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None


class Message(msgspec.Struct, frozen=True):
    """A push ready to go."""

    row: SealedRow
    destination: Destination
    parts: SplitResult
    body: bytes


class Fanout:
    """The sending side of one worker process."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        keyring: Keyring,
        live: Live,
        policy: EndpointPolicy,
        transport: Transport,
        signer: Signer,
        origin: str,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._keyring = keyring
        self._live = live
        self._policy = policy
        self._transport = transport
        self._signer = signer
        self._origin = origin
        self._breaker = Breaker()
        self._leases: dict[UUID, datetime] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin no further batch; `send_due` returns when the one under way is recorded."""
        self._stopping.set()

    async def send_due(self) -> int:
        """Send every batch that is due, one after another; gives their number.

        Raises:
            OSError, asyncpg.PostgresError: Postgres does not answer; what was sent is recorded.
        """
        sent = 0
        renewing = asyncio.create_task(self._keep_leases())
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        recorded.set_result(None)
        under_way: set[asyncio.Task[None]] = set()
        ahead = asyncio.create_task(self._lease())
        try:
            while not self._stopping.is_set() and (work := await ahead) is not None:
                ahead = asyncio.create_task(self._lease())
                before = recorded
                recorded = asyncio.get_running_loop().create_future()
                taken = asyncio.Event()
                task = asyncio.create_task(self._send(work, before, taken, recorded))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                sent += 1
                await taken.wait()
        finally:
            await asyncio.gather(*under_way, self._give_back(ahead))
            renewing.cancel()
        return sent

    async def _give_back(self, ahead: asyncio.Task[Work | None]) -> None:
        """Leave the batch that was leased ahead to others, unless there was none."""
        try:
            work = await ahead
        except AWAY:
            return
        if work is not None and self._leases.pop(work.batch.lease, None) is not None:
            await self._patiently(work, lambda: self._renew([work.batch.lease], self._clock()))

    async def _lease(self) -> Work | None:
        now = self._clock()
        batch = await repository.lease_batch(self._pool, now, now + LEASE, uuid4())
        if batch is None:
            return None
        work = await self._prepare(batch, now)
        self._leases[batch.lease] = now + LEASE
        return work

    async def _prepare(self, batch: BatchRow, now: datetime) -> Work:
        alert = await repository.find_alert(self._pool, batch.alert)
        if alert is None:
            raise LookupError("a batch without its alert")
        rows = await repository.rows_of_batch(self._pool, alert, batch)
        epochs = {row.epoch for row in rows}
        return Work(
            batch=batch,
            alert=alert,
            rows=rows,
            payloads=self._payloads(alert, {row.language for row in rows}),
            headers=_headers(alert, now),
            keys={epoch: self._keyring.epoch_key(epoch) for epoch in epochs},
        )

    async def _send(
        self,
        work: Work,
        before: asyncio.Future[None],
        taken: asyncio.Event,
        recorded: asyncio.Future[None],
    ) -> None:
        """Send one batch once the one before is recorded, then record it."""
        tally = Tally()
        rows = iter(work.rows)
        turn = asyncio.create_task(self._turn(work, before))
        try:
            lanes = [self._lane(work, rows, tally, turn, taken) for _ in range(IN_FLIGHT)]
            await asyncio.gather(*lanes)
            if await turn:
                await self._patiently(work, lambda: self._record(work, tally))
        finally:
            turn.cancel()
            self._leases.pop(work.batch.lease, None)
            taken.set()
            recorded.set_result(None)
        await self._live.tell(work.alert.id)

    async def _turn(self, work: Work, before: asyncio.Future[None]) -> bool:
        """Wait for the batch before; True when this one is still to be sent, and by this worker."""
        await asyncio.shield(before)
        now, lease = self._clock(), work.batch.lease
        if self._stopping.is_set():
            await self._patiently(work, lambda: self._renew([lease], now))  # back to the others
            return False
        if now < self._leases[lease]:
            return True
        return bool(await self._patiently(work, lambda: self._renew([lease], now + LEASE)))

    async def _lane(
        self,
        work: Work,
        rows: Iterator[SealedRow],
        tally: Tally,
        turn: asyncio.Task[bool],
        taken: asyncio.Event,
    ) -> None:
        """One message after another; the batch's lanes share its rows."""
        for row in rows:
            message = self._make_ready(work, row, tally)
            if message is None:
                await asyncio.sleep(0)
                continue
            if not turn.done():
                await asyncio.shield(turn)
            if not turn.result():
                break
            await self._post(work, message, tally)
        taken.set()

    def _make_ready(self, work: Work, row: SealedRow, tally: Tally) -> Message | None:
        """Open and encrypt, unless the push cannot be sent at all, not now, or not any more."""
        assert work.alert.expires_at is not None  # noqa: S101 - approved alerts expire
        key, now = work.keys[row.epoch], self._clock()
        if key is None or now >= work.alert.expires_at:
            tally.failed += 1
            return None
        context = BoxContext(row.id, row.epoch, row.series, row.audience, row.language)
        try:
            destination = open_destination(row.box, key, context)
            parts = self._policy.check(destination.endpoint)
            closed_until = self._breaker.closed_until(parts.netloc, now)
            if closed_until is not None:
                self._put_off(work, row, tally, closed_until - now)
                return None
            body = encrypt(work.payloads[row.language], destination)
        except (BoxError, EndpointError, ValueError):
            tally.failed += 1
            return None
        return Message(row, destination, parts, body)

    async def _post(self, work: Work, message: Message, tally: Tally) -> None:
        host = message.parts.netloc
        headers = work.headers | {
            "Authorization": self._signer.authorization(f"https://{host}", self._clock())
        }
        try:
            answer = await self._transport.post(
                message.destination.endpoint, message.parts, headers, message.body
            )
            outcome = rules.outcome_of(answer.status, host)
        except TransportError as error:
            log.debug("push-unanswered", host=host, error=error.reason)
            answer, outcome = Answer(0), Outcome.LATER
        except Exception as error:  # noqa: BLE001 - or its batch would be sent again and again
            log.error("push-failed", error=type(error).__name__)
            answer, outcome = Answer(0), Outcome.FAILED
        self._count(work, message.row, tally, host, outcome, answer.retry_after)

    def _count(
        self,
        work: Work,
        row: SealedRow,
        tally: Tally,
        host: str,
        outcome: Outcome,
        retry_after: timedelta | None,
    ) -> None:
        now = self._clock()
        if outcome is Outcome.LATER:
            self._breaker.refused(host, now, retry_after)
            self._put_off(work, row, tally, retry_after)
            return
        self._breaker.succeeded(host)
        if outcome is Outcome.DELIVERED:
            tally.delivered += 1
            tally.first_at = tally.first_at or now
            tally.last_at = now
        elif outcome is Outcome.GONE:
            tally.gone.append(row)
        else:
            tally.failed += 1

    def _put_off(
        self, work: Work, row: SealedRow, tally: Tally, at_least: timedelta | None
    ) -> None:
        """Try again later, whole seconds together so that they make one batch."""
        assert work.alert.expires_at is not None  # noqa: S101 - approved alerts expire
        at = rules.next_try(
            self._clock(),
            work.batch.attempt,
            at_least,
            work.alert.expires_at,
            random.random(),  # noqa: S311 - spreads load, guards nothing
        )
        if at is None:
            tally.failed += 1
        else:
            whole = at.replace(microsecond=0) + timedelta(seconds=1)
            tally.later.setdefault(whole, []).append(row.id)

    async def _patiently(self, work: Work, step: Callable[[], Awaitable[Result]]) -> Result | None:
        """Do `step` although Postgres is away for a while; None when it stays away for long."""
        for pause in PAUSES_SECONDS:
            try:
                return await step()
            except AWAY as error:
                log.warning(
                    "batch-waits",
                    batch=str(work.batch.id),
                    error=type(error).__name__,
                    sqlstate=getattr(error, "sqlstate", None),
                )
                await asyncio.sleep(pause)
        return None

    async def _record(self, work: Work, tally: Tally) -> None:
        """Write what became of the batch at once, unless somebody else holds it by now."""
        put_off = sum(map(len, tally.later.values()))
        if tally.gone or tally.later:
            ours = await self._finish_with_leftovers(work, tally)
        else:
            ours = await self._finish(self._pool, work, tally)  # one round trip, the common case
        if not ours:
            log.warning("batch-taken-over", batch=str(work.batch.id))
            return
        for outcome, number in (
            ("delivered", tally.delivered),
            ("gone", len(tally.gone)),
            ("failed", tally.failed),
            ("later", put_off),
        ):
            PUSHES.labels(outcome).inc(number)

    async def _finish_with_leftovers(self, work: Work, tally: Tally) -> bool:
        """Record a batch, forget who is gone and note who is tried again, all or nothing."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await self._finish(connection, work, tally):
                return False
            if tally.gone:
                await repository.delete_gone(connection, tally.gone)
            for at, pending in tally.later.items():
                await repository.insert_later_batch(
                    connection, work.alert.id, pending, work.batch.attempt + 1, at
                )
        return True

    async def _finish(self, on: Executor, work: Work, tally: Tally) -> bool:
        """Write a batch's numbers; False when another worker holds it by now."""
        return await repository.finish_batch(
            on,
            work.batch.lease,
            planned=len(work.rows) - sum(map(len, tally.later.values())),
            delivered=tally.delivered,
            gone=len(tally.gone),
            failed=tally.failed,
            first_at=tally.first_at,
            last_at=tally.last_at,
        )

    async def _keep_leases(self) -> None:
        """Keep the leases of batches under way."""
        while True:
            await asyncio.sleep(RENEW_EVERY_SECONDS)
            if self._leases:
                with contextlib.suppress(Exception):  # `_turn` and `_record` look for themselves
                    await self._renew(list(self._leases), self._clock() + LEASE)

    async def _renew(self, leases: list[UUID], until: datetime) -> bool:
        """Keep leases until then; False when another worker took one of them over."""
        kept = await repository.renew_leases(self._pool, leases, until)
        if kept < len(leases):
            return False
        self._leases.update((lease, until) for lease in leases if lease in self._leases)
        return True

    def _payloads(self, alert: AlertRow, languages: set[str]) -> dict[str, bytes]:
        """What phones of each language are sent, in the nearest language there is."""
        texts = msgspec.convert(alert.texts, dict[str, AlertText])
        return {wanted: self._payload(alert, *pick(texts, (wanted,))) for wanted in languages}

    def _payload(self, alert: AlertRow, language: str, text: AlertText) -> bytes:
        assert alert.approved_at is not None  # noqa: S101 - only approved alerts have batches
        return rules.payload(
            rules.Notification(
                id=alert.id,
                tag=alert.tag,
                kind=alert.kind,
                lang=language,
                title=text.title,
                body=text.body,
                url=rules.occurrence_url(self._origin, alert.occurrence),
                sent_at=alert.approved_at,
            )
        )


def _headers(alert: AlertRow, now: datetime) -> dict[str, str]:
    """What every push of an alert says to push services (RFC 8030 section 5, RFC 8188)."""
    assert alert.expires_at is not None  # noqa: S101
    return {
        "TTL": str(max(int((alert.expires_at - now).total_seconds()), 0)),
        "Urgency": rules.HANDLING[AlertKind(alert.kind)].urgency,
        "Topic": alert.tag,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }
