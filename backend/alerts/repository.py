"""Rows of subscriptions, alerts and batches. The only reader of this domain's queries.sql."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries

_queries = Queries.beside(__file__)


class EpochRow(msgspec.Struct, frozen=True):
    """The epoch that subscriptions are sealed to now."""

    id: int
    public_key: bytes
    ends_on: date


class SubscriptionRow(msgspec.Struct, frozen=True):
    """What may be read of a subscription by whoever holds its token."""

    series: UUID
    audience: str
    language: str
    expires_on: date


class SealedRow(msgspec.Struct, frozen=True):
    """A subscription as the worker reads it."""

    id: UUID
    epoch: int
    series: UUID
    audience: str
    language: str
    box: bytes


class AlertRow(msgspec.Struct, frozen=True):
    """An alert as it is kept. `texts` maps languages to title and body."""

    id: UUID
    series: UUID
    occurrence: UUID
    kind: str
    texts: dict[str, dict[str, str]]
    audiences: list[str]
    tag: str
    replaces: UUID | None
    composer: UUID | None
    state: str
    composed_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None
    sent_at: datetime | None


class PublicAlertRow(msgspec.Struct, frozen=True):
    """An alert that went out."""

    id: UUID
    kind: str
    texts: dict[str, dict[str, str]]
    sent_at: datetime
    replaced: bool


class ProgressRow(msgspec.Struct, frozen=True):
    """Sums over an alert's batches."""

    state: str
    planned: int
    delivered: int
    gone: int
    failed: int
    first_delivered_at: datetime | None
    last_delivered_at: datetime | None


class BatchRow(msgspec.Struct, frozen=True):
    """A leased share of an alert: a range of ids, or the pending ones."""

    id: UUID
    alert: UUID
    first_id: UUID | None
    next_id: UUID | None
    pending: list[UUID] | None
    attempt: int
    lease: UUID


class SentRow(msgspec.Struct, frozen=True):
    """An alert that is over."""

    id: UUID
    occurrence: UUID


async def current_epoch(on: Executor, today: date) -> EpochRow | None:
    """The epoch of `today`, or None before a worker has made it."""
    return await _queries.one(on, "current_epoch", EpochRow, today=today)


async def vapid_key(on: Executor) -> bytes | None:
    """The public point of the signing key."""
    key = await _queries.value(on, "vapid_key")
    return key if isinstance(key, bytes) else None


async def put_subscription(on: Executor, row: SealedRow, expires_on: date) -> None:
    """Write a subscription, or put it in the place of the one with its id."""
    await _queries.run(on, "put_subscription", **msgspec.structs.asdict(row), expires_on=expires_on)


async def find_subscription(on: Executor, id: UUID) -> SubscriptionRow | None:
    """The subscription with this id."""
    return await _queries.one(on, "find_subscription", SubscriptionRow, id=id)


async def delete_subscription(on: Executor, id: UUID) -> None:
    """Forget a subscription; no matter when there is none."""
    await _queries.run(on, "delete_subscription", id=id)


async def count_subscriptions(on: Executor, series: UUID, audiences: list[str]) -> int:
    """How many phones an alert would be sent to now."""
    return int(await _queries.value(on, "count_subscriptions", series=series, audiences=audiences))


async def count_unsent(on: Executor, occurrences: list[UUID]) -> int:
    """How many alerts about some occurrences have not gone out."""
    return int(await _queries.value(on, "count_unsent", occurrences=occurrences))


def _draft(alert: AlertRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(alert)
    for column in ("state", "approved_at", "expires_at", "sent_at"):
        del fields[column]
    return fields


async def insert_alert(on: Executor, alert: AlertRow) -> bool:
    """Write a draft; False when there is an alert with its id."""
    return await _queries.run(on, "insert_alert", **_draft(alert)) == 1


async def redraft_alert(on: Executor, alert: AlertRow) -> None:
    """Write a draft anew."""
    await _queries.run(on, "redraft_alert", **_draft(alert))


async def insert_reminder(
    on: Executor,
    *,
    id: UUID,
    series: UUID,
    occurrence: UUID,
    texts: dict[str, dict[str, str]],
    tag: str,
    minutes: int,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Write a reminder, approved by the series itself; False when it was written before."""
    written = await _queries.run(
        on,
        "insert_reminder",
        id=id,
        series=series,
        occurrence=occurrence,
        texts=texts,
        tag=tag,
        minutes=minutes,
        now=now,
        expires_at=expires_at,
    )
    return written == 1


async def find_alert(on: Executor, id: UUID) -> AlertRow | None:
    """The alert with this id."""
    return await _queries.one(on, "find_alert", AlertRow, id=id)


async def lock_alert(on: Executor, id: UUID) -> AlertRow | None:
    """The alert with this id, held until the transaction ends."""
    return await _queries.one(on, "lock_alert", AlertRow, id=id)


async def approve_alert(on: Executor, id: UUID, now: datetime, expires_at: datetime) -> None:
    """Let a draft go out."""
    await _queries.run(on, "approve_alert", id=id, now=now, expires_at=expires_at)


async def cancel_alert(on: Executor, id: UUID) -> bool:
    """Stop an alert; False when it is too late."""
    return await _queries.run(on, "cancel_alert", id=id) == 1


async def public_alerts(on: Executor, occurrence: UUID) -> list[PublicAlertRow]:
    """The alerts of an occurrence that went out, newest first."""
    return await _queries.all(on, "public_alerts", PublicAlertRow, occurrence=occurrence)


async def progress(on: Executor, id: UUID) -> ProgressRow | None:
    """How far an alert has come."""
    return await _queries.one(on, "progress", ProgressRow, id=id)


async def take_approved_alert(on: Executor) -> AlertRow | None:
    """An approved alert without batches, held until the transaction ends."""
    return await _queries.one(on, "take_approved_alert", AlertRow)


async def divide_into_batches(on: Executor, alert: AlertRow, size: int, now: datetime) -> int:
    """Write the batches of an alert; gives their number."""
    return await _queries.run(
        on,
        "divide_into_batches",
        alert=alert.id,
        series=alert.series,
        audiences=alert.audiences,
        size=size,
        now=now,
    )


async def start_sending(on: Executor, id: UUID) -> None:
    """Open an alert's batches to the workers."""
    await _queries.run(on, "start_sending", id=id)


async def expire_alert(on: Executor, id: UUID) -> None:
    """Give up an alert that nobody could send in time."""
    await _queries.run(on, "expire_alert", id=id)


async def lease_batch(on: Executor, now: datetime, until: datetime, lease: UUID) -> BatchRow | None:
    """Take the most pressing batch until `until`."""
    return await _queries.one(on, "lease_batch", BatchRow, now=now, until=until, lease=lease)


async def renew_leases(on: Executor, leases: list[UUID], until: datetime) -> int:
    """Keep the batches that are being worked on; gives how many nobody else took over."""
    return await _queries.run(on, "renew_leases", leases=leases, until=until)


async def rows_of_batch(on: Executor, alert: AlertRow, batch: BatchRow) -> list[SealedRow]:
    """The subscriptions that a batch is for."""
    reach = {"series": alert.series, "audiences": alert.audiences}
    if batch.pending is not None:
        return await _queries.all(on, "rows_of_pending", SealedRow, **reach, pending=batch.pending)
    return await _queries.all(
        on,
        "rows_of_range",
        SealedRow,
        **reach,
        first_id=batch.first_id,
        next_id=batch.next_id,
    )


async def finish_batch(
    on: Executor,
    lease: UUID,
    *,
    planned: int,
    delivered: int,
    gone: int,
    failed: int,
    first_at: datetime | None,
    last_at: datetime | None,
) -> bool:
    """Record a batch as done; False when another worker holds it by now."""
    finished = await _queries.value(
        on,
        "finish_batch",
        lease=lease,
        planned=planned,
        delivered=delivered,
        gone=gone,
        failed=failed,
        first_at=first_at,
        last_at=last_at,
    )
    return finished is not None


async def insert_later_batch(
    on: Executor, alert: UUID, pending: list[UUID], attempt: int, not_before: datetime
) -> None:
    """Write what is to be tried again."""
    await _queries.run(
        on,
        "insert_later_batch",
        alert=alert,
        pending=pending,
        attempt=attempt,
        not_before=not_before,
    )


async def delete_gone(on: Executor, gone: list[SealedRow]) -> None:
    """Forget subscriptions that are over, unless they were renewed meanwhile."""
    await _queries.run(
        on, "delete_gone", ids=[row.id for row in gone], boxes=[row.box for row in gone]
    )


async def forget_composers(on: Executor, before: datetime) -> list[SentRow]:
    """Forget who composed alerts that were over before an instant; gives those alerts."""
    return await _queries.all(on, "forget_composers", SentRow, before=before)


async def finish_sent_alerts(on: Executor, now: datetime) -> list[SentRow]:
    """Close alerts of which nothing is left to do."""
    return await _queries.all(on, "finish_sent_alerts", SentRow, now=now)
