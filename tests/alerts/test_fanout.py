"""Alerts reach phones: each once, in its own language, whatever the push service does."""

import asyncio
import random
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest

from backend.alerts import fanout
from backend.alerts.dispatch_service import BATCH_SIZE
from backend.alerts.transport import TransportError
from backend.drill import push_faults
from backend.drill.push_faults import Fault
from backend.drill.vapid import check_vapid
from tests.support.clock import SetClock
from tests.support.pools import PoolAs
from tests.support.rally import TEXTS, Rally, Worker


async def test_every_phone_is_reached_once_in_its_own_language(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(7, "ko")
    await rally.subscribe(3, "en")
    alert = await rally.announce()
    assert await worker.work() == 1
    received = await rally.received()
    assert len({got.phone.endpoint for got in received}) == len(received) == 10
    words = sorted((got.shown.language, got.shown.title, got.shown.body) for got in received)
    ko, en = (tuple(TEXTS[language].values()) for language in ("ko", "en"))
    assert words == [("en", *en)] * 3 + [("ko", *ko)] * 7
    assert await rally.progress(alert) | {"firstDeliveredAt": 0, "lastDeliveredAt": 0} == {
        "state": "sent",
        "planned": 10,
        "delivered": 10,
        "gone": 0,
        "failed": 0,
        "waiting": 0,
        "firstDeliveredAt": 0,
        "lastDeliveredAt": 0,
    }


async def test_push_services_are_told_how_long_how_urgent_and_what_it_replaces(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    [phone] = await rally.subscribe(1)
    first = await rally.announce("information")
    await worker.work()
    clock.forward(minutes=1)
    await rally.announce("leave-now", replaces=str(first))
    clock.forward(minutes=5)
    await worker.work()
    calm, urgent = await rally.received()
    assert (calm.fields["ttl"], calm.fields["urgency"]) == ("43200", "normal")
    assert (urgent.fields["ttl"], urgent.fields["urgency"]) == ("600", "high")
    assert calm.fields["topic"] == urgent.fields["topic"]
    assert len(calm.fields["topic"]) == 32
    assert list(phone.notifications) == [calm.fields["topic"]]
    assert calm.fields["content-encoding"] == "aes128gcm"


async def test_the_sender_is_whom_the_api_publishes(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(1)
    await rally.announce()
    await worker.work()
    [got] = await rally.received()
    check_vapid(
        got.fields["authorization"],
        audience=rally.push.origin,
        published_key=worker.public_point,
        now=clock().timestamp(),
    )


async def test_other_series_and_audiences_hear_nothing(rally: Rally, worker: Worker) -> None:
    await rally.subscribe(2, audience="attendees")
    await rally.subscribe(3, audience="volunteers")
    await rally.announce(audiences=["volunteers"])
    await worker.work()
    assert len(await rally.received()) == 3


async def test_a_phone_whose_language_has_no_text_gets_korean(rally: Rally, worker: Worker) -> None:
    await rally.subscribe(1, "vi")
    await rally.announce()
    await worker.work()
    [got] = await rally.received()
    assert got.shown.language == "ko"


async def test_an_alert_without_phones_is_sent_at_once(rally: Rally, worker: Worker) -> None:
    alert = await rally.announce()
    await worker.work()
    assert (await rally.progress(alert))["state"] == "sent"


@pytest.mark.parametrize("fault", [push_faults.NOT_FOUND, push_faults.GONE])
async def test_a_flood_of_subscriptions_that_are_over_is_cleared_away(  # bad input 77
    rally: Rally, worker: Worker, owner: asyncpg.Connection, fault: Fault
) -> None:
    await rally.subscribe(60)
    await rally.push.fail(fault, sorted(rally.phones)[-50:])
    alert = await rally.announce()
    await worker.work()
    progress = await rally.progress(alert)
    assert (progress["delivered"], progress["gone"], progress["state"]) == (10, 50, "sent")
    assert await owner.fetchval("select count(*) from subscription") == 10


async def test_a_phone_that_subscribed_anew_meanwhile_is_not_cleared_away(
    rally: Rally, worker: Worker, owner: asyncpg.Connection
) -> None:
    [phone] = await rally.subscribe(1)
    await rally.push.fail(push_faults.GONE, [max(rally.phones)])
    await rally.announce()
    await worker.dispatch.plan_and_close()
    post = worker.transport.post

    async def slow_post(*call: object) -> object:
        answer = await post(*call)  # type: ignore[arg-type]
        assert (await rally.renew(phone)).status_code == 200
        return answer

    worker.transport.post = slow_post  # type: ignore[method-assign, assignment]
    await worker.fanout.send_due()
    assert await owner.fetchval("select count(*) from subscription") == 1


async def test_429_with_retry_after_is_obeyed(  # bad input 80
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(5)
    await rally.push.fail(push_faults.too_many(3600, times=1))
    alert = await rally.announce("change")
    await worker.work()
    before = len(await rally.received())
    clock.forward(minutes=59)
    await worker.work()
    assert len(await rally.received()) == before
    progress = await rally.progress(alert)
    assert (progress["state"], progress["waiting"]) == ("sending", 5 - before)
    clock.forward(minutes=2)
    await worker.work()
    assert len({got.phone.endpoint for got in await rally.received()}) == 5
    assert (await rally.progress(alert))["state"] == "sent"


async def test_what_would_come_too_late_is_given_up(  # bad input 80
    rally: Rally, worker: Worker
) -> None:
    await rally.subscribe(4)
    await rally.push.fail(push_faults.too_many(3600))
    alert = await rally.announce("leave-now")
    await worker.work()
    progress = await rally.progress(alert)
    assert (progress["state"], progress["delivered"], progress["failed"]) == ("sent", 0, 4)


@pytest.mark.parametrize("fault", [push_faults.BROKEN, push_faults.SILENCE, push_faults.HANG_UP])
async def test_a_broken_push_service_is_tried_again_until_it_heals(  # bad input 80
    rally: Rally, worker: Worker, clock: SetClock, fault: Fault
) -> None:
    await rally.subscribe(3)
    await rally.push.fail(fault)
    alert = await rally.announce()
    await worker.work()
    assert (await rally.progress(alert))["waiting"] == 3
    await rally.push.heal()
    clock.forward(seconds=6)
    await worker.work()
    assert (await rally.progress(alert))["delivered"] == 3


async def test_a_host_that_refuses_everybody_is_left_in_peace(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(200)
    await rally.push.fail(push_faults.BROKEN)
    alert = await rally.announce()
    await worker.work()
    asked = sum((await rally.push.counts()).refused.values())
    assert asked < 200
    assert (await rally.progress(alert))["waiting"] == 200
    await rally.push.heal()
    for _ in range(40):
        clock.forward(seconds=10)
        await worker.work()
    assert (await rally.progress(alert))["delivered"] == 200


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_to_an_inside_address_is_not_followed(  # bad input 14
    rally: Rally, worker: Worker, status: int
) -> None:
    inside = await rally.subscribe(1)
    await rally.push.start_over()
    await rally.push.fail(
        push_faults.redirect(status, location=inside[0].endpoint), [max(rally.phones)]
    )
    alert = await rally.announce()
    await worker.work()
    assert (await rally.progress(alert))["failed"] == 1
    assert (await rally.push.counts()).accepted == 0


@pytest.mark.parametrize("fault", [push_faults.ENDLESS, push_faults.SLOW, push_faults.BOMB])
async def test_an_answer_without_end_harms_nobody(  # bad input 19
    rally: Rally, worker: Worker, fault: Fault
) -> None:
    await rally.subscribe(6)
    await rally.push.fail(fault, sorted(rally.phones)[-2:])
    alert = await rally.announce()
    async with asyncio.timeout(10):
        await worker.work()
    progress = await rally.progress(alert)
    assert progress["delivered"] >= 4
    assert progress["delivered"] + progress["waiting"] == 6


async def test_a_box_moved_to_another_row_does_not_open(  # bad inputs 20, 27
    rally: Rally, worker: Worker, owner: asyncpg.Connection
) -> None:
    await rally.subscribe(4)
    ids = [row["id"] for row in await owner.fetch("select id from subscription order by id")]
    await owner.execute(
        "update subscription set box = (select box from subscription where id = $2) where id = $1",
        ids[0],
        ids[1],
    )
    await owner.execute(
        "update subscription set box = set_byte(box, 500, 255 - get_byte(box, 500)) where id = $1",
        ids[2],
    )
    alert = await rally.announce()
    await worker.work()
    progress = await rally.progress(alert)
    assert (progress["delivered"], progress["failed"], progress["state"]) == (2, 2, "sent")


async def test_a_box_of_a_destroyed_epoch_is_nothing(  # bad input 28
    rally: Rally, worker: Worker, owner: asyncpg.Connection
) -> None:
    await rally.subscribe(2)
    await owner.execute(
        "insert into epoch values (77, sha256('another'), '1971-06-28', '1971-07-05')"
        " on conflict do nothing"
    )
    await owner.execute("update subscription set epoch = 77")
    alert = await rally.announce()
    await worker.work()
    assert (await rally.progress(alert))["failed"] == 2


async def test_two_workers_share_and_no_phone_is_reached_twice(  # bad input 79
    rally: Rally,
    worker: Worker,
    pool_as: PoolAs,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("backend.alerts.dispatch_service.BATCH_SIZE", 5)
    keyring, settings = (request.getfixturevalue(name) for name in ("keyring", "settings"))
    other = Worker(await pool_as("exit10_worker"), clock, keyring, settings)
    await rally.subscribe(60)
    alert = await rally.announce()
    await worker.dispatch.plan_and_close()
    one, two = await asyncio.gather(worker.fanout.send_due(), other.fanout.send_due())
    await other.close()
    assert one + two == 12
    assert len(await rally.received()) == 60
    assert (await rally.progress(alert))["delivered"] == 60


async def test_a_batch_whose_worker_died_is_sent_again_under_the_same_tag(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    phones = await rally.subscribe(20)
    alert = await rally.announce()
    await worker.dispatch.plan_and_close()
    post = worker.transport.post
    sent = 0

    async def dying_post(*call: object) -> object:
        nonlocal sent
        sent += 1
        if sent > 10:
            await asyncio.sleep(60)
        return await post(*call)  # type: ignore[arg-type]

    worker.transport.post = dying_post  # type: ignore[method-assign, assignment]
    dying = asyncio.create_task(worker.fanout.send_due())
    await rally.push.reached(10, 10)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    worker.transport.post = post  # type: ignore[method-assign]
    assert await worker.work() == 0
    clock.forward(seconds=fanout.LEASE.total_seconds() + 1)
    assert await worker.work() == 1
    received = await rally.received()
    assert 20 < len(received) <= 20 + BATCH_SIZE
    assert all(len(phone.notifications) == 1 for phone in phones)
    assert (await rally.progress(alert))["delivered"] == 20


async def test_leave_now_overtakes_what_is_under_way(
    rally: Rally, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.alerts.dispatch_service.BATCH_SIZE", 5)
    await rally.subscribe(20)
    calm = await rally.announce("information")
    await worker.dispatch.plan_and_close()
    urgent = await rally.announce("leave-now")
    await worker.work()
    order = [got.shown.alert for got in await rally.received()]
    assert [str(urgent)] * 20 == order[:20]
    assert [str(calm)] * 20 == order[20:]


async def test_a_cancelled_alert_stops_where_it_is(
    rally: Rally, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.alerts.dispatch_service.BATCH_SIZE", 5)
    await rally.subscribe(10)
    alert = await rally.announce()
    await worker.dispatch.plan_and_close()
    answer = await rally.client.put(
        f"/v1/alerts/{alert}/cancellation", headers=rally.composer.headers
    )
    assert answer.json()["state"] == "cancelled"
    assert await worker.work() == 0
    assert await rally.received() == []


async def test_whoever_subscribes_while_batches_wait_is_reached_too(
    rally: Rally, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.alerts.dispatch_service.BATCH_SIZE", 5)
    await rally.subscribe(12)
    alert = await rally.announce()
    await worker.dispatch.plan_and_close()
    await rally.subscribe(random.Random(10).randrange(5, 9))
    await worker.work()
    assert (
        (await rally.progress(alert))["delivered"]
        == len({got.phone.endpoint for got in await rally.received()})
        > 12
    )


async def test_reminders_go_out_once_a_day_and_two_hours_before(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(1)
    answer = await rally.client.get(f"/v1/occurrences/{rally.occurrence}")
    starts_at = datetime.fromisoformat(answer.json()["startsAt"])
    for before in (timedelta(hours=25), timedelta(hours=24), timedelta(hours=2)):
        clock.set(starts_at - before)
        await worker.dispatch.remind()
        await worker.dispatch.remind()
        await worker.work()
    received = await rally.received()
    assert len(received) == 2
    assert all("19:00" in got.shown.body for got in received)
    assert received[0].fields["urgency"] == "normal"


async def test_a_name_that_comes_to_lead_inside_is_not_asked(  # bad input 15
    rally: Rally, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def inside(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)
    endpoint = "https://fcm.googleapis.com/fcm/send/x"
    with pytest.raises(TransportError, match="AddressNotPublic"):
        await worker.transport.post(endpoint, urlsplit(endpoint), {}, b"")
