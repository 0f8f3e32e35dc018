"""A worker that was away too long finds its batches taken over, and believes no nonsense."""

import asyncio
from datetime import timedelta

import pytest

from backend.alerts import fanout
from backend.core.keyring import Keyring
from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.pools import PoolAs
from tests.support.rally import Rally, Worker

BATCH = 5
LOOK_SECONDS = 0.5
"""By then a worker has seen that there is no further batch."""

LEASED = "select count(lease) from batch"


async def test_a_batch_that_was_taken_over_while_it_waited_is_not_sent_again(
    rally: Rally,
    worker: Worker,
    pool_as: PoolAs,
    clock: SetClock,
    keyring: Keyring,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.alerts.dispatch_service.BATCH_SIZE", BATCH)
    monkeypatch.setattr("backend.alerts.fanout.RENEW_EVERY_SECONDS", 60.0)
    await rally.subscribe(3 * BATCH)
    alert = await rally.announce()
    await worker.dispatch.plan_and_close()
    post, back, held = worker.transport.post, asyncio.Event(), 0

    async def absent_post(*call: object) -> object:
        nonlocal held
        held += 1
        await back.wait()
        return await post(*call)  # type: ignore[arg-type]

    worker.transport.post = absent_post  # type: ignore[method-assign, assignment]
    absent = asyncio.create_task(worker.fanout.send_due())
    pool = await pool_as("exit10_worker")
    async with asyncio.timeout(20.0):
        # One batch is being sent, and those that are so small wait for it, ready.
        while held < BATCH or await pool.fetchval(LEASED) < 3:  # noqa: ASYNC110 - a row appears
            await asyncio.sleep(0.01)
    await asyncio.sleep(LOOK_SECONDS)
    clock.forward(seconds=fanout.LEASE.total_seconds() + 1)
    other = Worker(pool, clock, keyring, settings)
    assert await other.work() == 3
    await other.close()
    assert len(await rally.received()) == 3 * BATCH

    back.set()
    await absent

    assert len(await rally.received()) == 4 * BATCH
    assert held == BATCH
    assert (await rally.progress(alert))["delivered"] == 3 * BATCH


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 02 Sep 2024 03:02:00 GMT", timedelta(minutes=2)),
        ("Mon, 02 Sep 2024 02:00:00 GMT", timedelta()),
        ("9" * 400, timedelta(days=1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 02 Sep 2024 03:02:00 +99999999999999999999", None),
        ("soon", None),
        ("²", None),
        ("", None),
        (None, None),
    ],
)
async def test_a_wish_for_patience_is_heard_within_reason(
    worker: Worker, said: str | None, understood: timedelta | None
) -> None:
    patience = worker.transport._patience(said)  # pyright: ignore[reportPrivateUsage]
    assert patience == understood


async def test_a_message_that_breaks_the_sender_does_not_have_its_batch_sent_for_ever(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(3)
    alert = await rally.announce()
    post, calls = worker.transport.post, 0

    async def breaking_post(*call: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise LookupError
        return await post(*call)  # type: ignore[arg-type]

    worker.transport.post = breaking_post  # type: ignore[method-assign, assignment]
    await worker.work()
    progress = await rally.progress(alert)
    assert (progress["state"], progress["delivered"], progress["failed"]) == ("sent", 2, 1)
