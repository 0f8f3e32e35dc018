"""The rehearsal's push service as senders meet it: RFC 8030, and every way of failing them."""

import asyncio
import gzip
import io
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from backend.drill import push_faults
from backend.drill.push_faults import Fault, FaultKind
from backend.drill.push_handle import PushServiceError, PushServiceProcess
from backend.drill.spool import Message, Spool
from tests.drill.senders import push_headers

BODY = bytes(range(256)) * 8
SOON = timedelta(seconds=1)


@pytest.fixture(scope="module")
def sender(push: PushServiceProcess) -> Client:
    authority = push.authority.read_bytes()
    return ClientBuilder().add_root_certificate_pem(authority).follow_redirects(False).build()


@pytest.fixture(autouse=True)
async def all_is_well(push: PushServiceProcess) -> None:
    await push.heal()
    await push.start_over()


async def subscribe(push: PushServiceProcess, count: int = 1) -> tuple[list[str], list[int]]:
    """Endpoints of fresh phones and their numbers."""
    first = push.subscribed
    endpoints = await push.subscribe(count)
    return endpoints, list(range(first, first + count))


async def send(
    sender: Client, endpoint: str, body: bytes = BODY, headers: dict[str, str] | None = None
) -> Response:
    request = sender.post(endpoint).headers(push_headers("vapid t=a.b.c, k=BA") | (headers or {}))
    return await request.timeout(SOON).body_bytes(body).build().send()


async def spooled(push: PushServiceProcess) -> list[Message]:
    with Spool(Path((await push.counts()).spool)) as spool:
        return list(spool.messages())


async def test_a_message_is_accepted_located_and_handed_to_its_phone(
    push: PushServiceProcess, sender: Client
) -> None:
    (endpoint,), (number,) = await subscribe(push)

    response = await send(sender, endpoint, headers={"Topic": "exit-nine"})

    assert response.status == 201
    assert (response.get_header("Location") or "").startswith(f"{push.origin}/message/")
    (message,) = await spooled(push)
    assert (message.phone, message.body) == (number, BODY)
    assert b"exit-nine" in message.headers


async def test_a_thousand_messages_arrive_whole_and_each_at_its_phone(
    push: PushServiceProcess, sender: Client
) -> None:
    endpoints, numbers = await subscribe(push, 1000)
    bodies = [number.to_bytes(4, "big") * 500 for number in numbers]

    async with asyncio.TaskGroup() as senders:
        for endpoint, body in zip(endpoints, bodies, strict=True):
            senders.create_task(send(sender, endpoint, body))

    messages = await spooled(push)
    assert {message.phone: message.body for message in messages} == dict(
        zip(numbers, bodies, strict=True)
    )
    counts = await push.counts()
    assert (counts.accepted, counts.reached) == (1000, 1000)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"TTL": ""}, 400),
        ({"TTL": "soon"}, 400),
        ({"Urgency": "urgent"}, 400),
        ({"Topic": "t" * 33}, 400),
        ({"Topic": "no blanks"}, 400),
        ({"Content-Encoding": "aesgcm"}, 400),
        ({"Authorization": "Bearer abc"}, 401),
    ],
)
async def test_a_request_that_breaks_the_rfc_is_refused(
    push: PushServiceProcess, sender: Client, change: dict[str, str], status: int
) -> None:
    (endpoint,), _ = await subscribe(push)

    response = await send(sender, endpoint, headers=change)

    assert response.status == status
    assert (await push.counts()).accepted == 0


async def test_an_unknown_endpoint_and_a_body_over_4096_bytes_are_refused(
    push: PushServiceProcess, sender: Client
) -> None:
    (endpoint,), _ = await subscribe(push)

    assert (await send(sender, f"{push.origin}/push/{'A' * 22}")).status == 404
    assert (await send(sender, endpoint, bytes(4096))).status == 201
    assert (await send(sender, endpoint, bytes(4097))).status == 413
    assert (await sender.get(endpoint).build().send()).status == 405


async def test_requests_torn_apart_or_run_together_are_all_answered(
    push: PushServiceProcess,
) -> None:
    endpoints, _ = await subscribe(push, 3)
    stream = b"".join(
        b"POST %s HTTP/1.1\r\nhost: a\r\nttl: 60\r\ncontent-encoding: aes128gcm\r\n"
        b"authorization: vapid t=a.b.c, k=BA\r\ncontent-length: 300\r\n\r\n%s"
        % (endpoint.removeprefix(push.origin).encode(), b"b" * 300)
        for endpoint in endpoints
    )
    port = int(push.origin.rpartition(":")[2])
    tls = ssl.create_default_context(cafile=str(push.authority))
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)

    for start in range(0, len(stream), 97):
        writer.write(stream[start : start + 97])
        await asyncio.sleep(0.001)
    answers = b"".join([await reader.readuntil(b"\r\n\r\n") for _ in endpoints])

    assert answers.count(b"HTTP/1.1 201 Created") == len(endpoints)
    assert [len(message.body) for message in await spooled(push)] == [300, 300, 300]
    writer.close()


@pytest.mark.parametrize(
    ("fault", "status", "header", "value"),
    [
        (push_faults.NOT_FOUND, 404, "Content-Length", "0"),
        (push_faults.GONE, 410, "Content-Length", "0"),
        (push_faults.APPLE_FORBIDDEN, 403, "Content-Length", "24"),
        (push_faults.BROKEN, 500, "Content-Length", "0"),
        (push_faults.too_many(3600), 429, "Retry-After", "3600"),
        (push_faults.redirect(302), 302, "Location", push_faults.INSIDE_ADDRESS),
        (push_faults.redirect(307), 307, "Location", push_faults.INSIDE_ADDRESS),
    ],
)
async def test_a_failing_push_service_answers_as_real_ones_do(
    push: PushServiceProcess, sender: Client, fault: Fault, status: int, header: str, value: str
) -> None:
    (struck, spared), (number, _) = await subscribe(push, 2)

    await push.fail(fault, [number])
    response = await send(sender, struck)

    assert (response.status, response.get_header(header)) == (status, value)
    assert (await send(sender, spared)).status == 201
    assert (await push.counts()).refused == {str(status): 1}


async def test_a_fault_for_all_ends_after_as_often_as_was_said(
    push: PushServiceProcess, sender: Client
) -> None:
    endpoints, _ = await subscribe(push, 3)

    await push.fail(push_faults.too_many(1, times=2))

    assert [(await send(sender, endpoint)).status for endpoint in endpoints] == [429, 429, 201]


@pytest.mark.parametrize("kind", [FaultKind.SILENCE, FaultKind.SLOW, FaultKind.ENDLESS])
async def test_a_sender_without_a_time_limit_would_wait_for_ever(
    push: PushServiceProcess, sender: Client, kind: FaultKind
) -> None:
    (struck, spared), (number, _) = await subscribe(push, 2)

    await push.fail(Fault(kind=kind), [number])

    with pytest.raises(PyreqwestError):
        await send(sender, struck)
    assert (await send(sender, spared)).status == 201


async def test_a_connection_is_dropped_in_the_middle_of_an_answer(
    push: PushServiceProcess, sender: Client
) -> None:
    (endpoint,), numbers = await subscribe(push)

    await push.fail(push_faults.HANG_UP, numbers)

    with pytest.raises(PyreqwestError):
        await send(sender, endpoint)


def test_the_bomb_is_small_until_it_is_unpacked() -> None:
    head, _, packed = b"".join(push_faults.pieces(push_faults.BOMB)).partition(b"\r\n\r\n")

    assert b"Content-Encoding: gzip" in head
    assert len(packed) < 1 << 20
    with gzip.open(io.BytesIO(packed)) as bomb:
        bomb.seek(400 << 20)
        assert bomb.read(1) == b"\0"


async def test_a_phone_in_a_tunnel_gets_the_newest_message_of_a_topic_and_nothing_stale(
    push: PushServiceProcess, sender: Client
) -> None:
    (endpoint,), numbers = await subscribe(push)
    await push.fail(push_faults.OFFLINE, numbers)

    await send(sender, endpoint, b"first", headers={"Topic": "exit-nine"})
    await send(sender, endpoint, b"second", headers={"Topic": "exit-nine"})
    await send(sender, endpoint, b"other", headers={"Topic": "exit-eleven"})
    await send(sender, endpoint, b"now or never", headers={"TTL": "0"})
    before = await push.counts()
    await push.heal(numbers)

    assert (before.accepted, before.kept) == (0, 2)
    assert sorted(message.body for message in await spooled(push)) == [b"other", b"second"]


async def test_one_can_wait_until_so_many_phones_are_reached(
    push: PushServiceProcess, sender: Client
) -> None:
    endpoints, _ = await subscribe(push, 2)
    waiting = asyncio.create_task(push.reached(2, timeout=5))

    await send(sender, endpoints[0])
    await send(sender, endpoints[0])
    assert not waiting.done()
    await send(sender, endpoints[1])

    counts = await waiting
    assert (counts.accepted, counts.reached) == (3, 2)


async def test_a_sink_counts_for_any_endpoint_and_keeps_nothing(tmp_path: Path) -> None:
    async with await PushServiceProcess.start(tmp_path, sink=True) as sink:
        authority = sink.authority.read_bytes()
        sender = ClientBuilder().add_root_certificate_pem(authority).build()

        assert (await send(sender, f"{sink.origin}/push/anybody")).status == 201

        counts = await sink.counts()
        with Spool(Path(counts.spool)) as spool:
            assert not list(spool.messages())
        assert counts.accepted == 1


async def test_a_taken_port_is_said_in_words(push: PushServiceProcess, tmp_path: Path) -> None:
    port = int(push.origin.rpartition(":")[2])

    with pytest.raises(PushServiceError, match="in use"):
        await PushServiceProcess.start(tmp_path, port=port)


async def test_certificates_are_kept_so_that_a_system_goes_on_trusting_them(
    push: PushServiceProcess, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    async with await PushServiceProcess.start(tmp_path, certificates=kept) as first:
        before = first.authority.read_bytes()
    async with await PushServiceProcess.start(tmp_path, certificates=kept) as second:
        assert second.authority.read_bytes() == before
    async with await PushServiceProcess.start(
        tmp_path, certificates=kept, host="127.0.0.1"
    ) as third:
        assert third.origin.startswith("https://127.0.0.1:")
