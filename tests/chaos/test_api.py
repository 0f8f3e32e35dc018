"""The API or Postgres dies while phones and organisers write: what was acknowledged is there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from backend.drill.phones import Phone
from tests.chaos.crowds import PATIENCE_SECONDS
from tests.events.gatherings import FRIDAY_PLAN, put
from tests.support.processes import RunningSystem
from tests.support.rally import TEXTS, Rally, bearer

DEVICES = 24
DIE_AFTER = 300
"""Acknowledged writes before something dies."""


class Write(NamedTuple):
    """One write, which can be repeated, and a look whether it was done."""

    send: Callable[[], Awaitable[httpx.Response]]
    is_there: Callable[[], Awaitable[bool]]


class Writes(NamedTuple):
    """What was sent, by whether an answer came back."""

    acknowledged: list[Write]
    unanswered: list[Write]


@pytest.fixture
async def other_rally(rally: Rally) -> Rally:
    """A rally that nobody follows yet."""
    series = uuid4()
    scheduled = await put(rally.client, rally.composer.headers, FRIDAY_PLAN, series)
    assert scheduled.status_code == 201
    listed = await rally.client.get("/v1/occurrences", params={"series": str(series)})
    occurrence = UUID(listed.json()["items"][0]["id"])
    organisers = rally.composer, rally.approver
    return Rally(rally.client, rally.push, organisers, series, occurrence)


@pytest.mark.parametrize("victim", ["api", "postgres"])
async def test_bad_input_67_what_was_acknowledged_before_a_kill_is_there_after_it(
    other_rally: Rally, system: RunningSystem, victim: str
) -> None:
    api, postgres = system.api, system.servers.postgres
    kill = api.kill if victim == "api" else postgres.kill
    writes = await written_until_death(other_rally, kill)
    assert writes.unanswered
    if victim == "postgres":
        await asyncio.to_thread(postgres.start)
    await system.open_api()

    for write in writes.acknowledged:
        assert await write.is_there()
    for write in writes.unanswered + writes.acknowledged:
        assert (await write.send()).is_success
        assert await write.is_there()


async def written_until_death(rally: Rally, kill: Callable[[], None]) -> Writes:
    """Write from many devices at once, and kill something amid it."""
    writes = Writes([], [])
    endpoints = iter(await rally.push.subscribe(DIE_AFTER * 2))
    dying: list[asyncio.Task[None]] = []

    async def device(number: int) -> None:
        for write in device_writes(rally, endpoints, number):
            answered = False
            with suppress(httpx.HTTPError):
                answered = (await write.send()).is_success
            if not answered:
                writes.unanswered.append(write)
                return
            writes.acknowledged.append(write)
            if len(writes.acknowledged) == DIE_AFTER:
                dying.append(asyncio.create_task(asyncio.to_thread(kill)))

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*map(device, range(DEVICES)))
        await asyncio.gather(*dying)
    assert len(writes.acknowledged) >= DIE_AFTER
    return writes


def device_writes(rally: Rally, endpoints: Iterator[str], number: int) -> Iterator[Write]:
    """One phone subscribes after the other; with every third device alerts go out, too."""
    for endpoint in endpoints:
        yield subscription(rally, Phone.new(endpoint))
        if number % 3 == 0:
            alert = uuid4()
            yield draft(rally, alert)
            yield approval(rally, alert)


def subscription(rally: Rally, phone: Phone) -> Write:
    """A phone follows the rally."""

    async def is_there() -> bool:
        answer = await rally.client.get("/v1/push/subscription", headers=bearer(phone))
        return answer.status_code == 200 and answer.json()["series"] == str(rally.series)

    return Write(lambda: rally.renew(phone), is_there)


def draft(rally: Rally, alert: UUID) -> Write:
    """An organiser composes an alert under an id of her own."""
    body = {"occurrence": str(rally.occurrence), "kind": "change", "texts": TEXTS}
    address, headers = f"/v1/alerts/{alert}", rally.composer.headers

    async def is_there() -> bool:
        answer = await rally.client.get(address, headers=headers)
        return answer.status_code == 200 and answer.json()["texts"] == TEXTS

    return Write(lambda: rally.client.put(address, json=body, headers=headers), is_there)


def approval(rally: Rally, alert: UUID) -> Write:
    """Another organiser stands behind it, which releases it."""
    address, headers = f"/v1/alerts/{alert}", rally.approver.headers

    async def is_there() -> bool:
        answer = await rally.client.get(address, headers=headers)
        shown = answer.json()
        return shown.get("state") == "approved" and shown["approvals"]["given"] == 2

    return Write(lambda: rally.client.put(f"{address}/approval", headers=headers), is_there)
