"""Workers end in mid-fan-out, killed or told to go: every phone is reached all the same."""

import asyncio
import signal
import time
from collections import Counter
from urllib.parse import urlsplit

import asyncpg

from backend.alerts.dispatch_service import BATCH_SIZE
from tests.chaos.crowds import DIE_AT, PATIENCE_SECONDS, all_reached, sent
from tests.support.processes import OwnProcess, RunningSystem
from tests.support.rally import Rally

DRAIN_SECONDS = 5.0
LINGER_SECONDS = 0.5
"""What a dead worker had sent is read by then."""


async def test_bad_input_66_a_worker_killed_in_mid_batch_costs_no_phone(
    rally: Rally, system: RunningSystem
) -> None:
    worker = await system.worker()
    alert = await rally.announce()
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
    worker.kill()
    died_at = time.monotonic()
    assert (await rally.push.counts()).reached < len(rally.phones)

    system.start_worker()
    reached = await all_reached(rally)
    assert reached.last_at is not None
    print(f"every phone was reached {reached.last_at - died_at:.1f} s after the worker's death")

    await sent(rally, alert)
    received = await rally.received()
    times = Counter(got.phone.endpoint for got in received)
    assert len(times) == len(rally.phones)
    assert 0 < len(received) - len(times) <= BATCH_SIZE
    assert max(times.values()) == 2
    assert len({got.fields["topic"] for got in received}) == 1
    assert {len(phone.notifications) for phone in rally.phones.values()} == {1}
    assert (await rally.progress(alert))["delivered"] == len(rally.phones)


async def test_bad_input_79_of_two_workers_one_is_told_to_go_and_nothing_is_sent_twice(
    rally: Rally, system: RunningSystem
) -> None:
    going, staying = await asyncio.gather(system.worker(), system.worker())
    alert = await rally.announce()
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
    assert is_sending(going, rally)
    assert is_sending(staying, rally)

    going.send(signal.SIGTERM)

    assert await going.ended(DRAIN_SECONDS) == 0
    await all_reached(rally)
    await sent(rally, alert)
    assert len(await rally.received()) == len(rally.phones)


async def test_the_last_worker_that_is_told_to_go_leaves_the_rest_to_the_next(
    rally: Rally, system: RunningSystem
) -> None:
    worker = await system.worker()
    alert = await rally.announce()
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)

    worker.send(signal.SIGTERM)

    assert await worker.ended(DRAIN_SECONDS) == 0
    left = len(rally.phones) - (await rally.push.counts()).reached
    assert left > 0
    assert left % BATCH_SIZE == 0
    assert (await rally.progress(alert))["waiting"] == left
    system.start_worker()
    await all_reached(rally)
    await sent(rally, alert)
    assert len(await rally.received()) == len(rally.phones)


async def test_what_is_over_when_a_worker_comes_back_is_not_sent_any_more(
    rally: Rally, system: RunningSystem, owner: asyncpg.Connection
) -> None:
    worker = await system.worker()
    alert = await rally.announce("leave-now")
    await rally.push.reached(DIE_AT, PATIENCE_SECONDS)
    worker.kill()
    await asyncio.sleep(LINGER_SECONDS)
    reached = (await rally.push.counts()).reached
    await owner.execute("update alert set expires_at = now()")
    await owner.execute("update batch set leased_until = now() where lease is not null")

    system.start_worker()

    await sent(rally, alert)
    assert (await rally.push.counts()).accepted == reached
    assert (await rally.progress(alert))["failed"] > 0


def is_sending(worker: OwnProcess, rally: Rally) -> bool:
    """Whether a worker holds connections to the push service."""
    port = urlsplit(rally.push.origin).port
    (process,) = worker.family()
    return any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp"))
