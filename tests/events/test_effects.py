"""An organiser is told what hangs on a change before she confirms; to take away needs others."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
import httpx
import pytest

from backend.coalition.service import CoalitionService
from backend.core.keyring import Keyring
from backend.drill.phones import Phone
from backend.events.jobs import forget_proposals
from backend.events.proposal_service import ProposalService
from backend.events.service import EventService
from backend.settings import Settings
from tests.conftest import PoolAs
from tests.events.gatherings import FRIDAYS, Agree, body, etag, put
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser
from tests.support.rally import bearer

Headers = dict[str, str]
REASON = {"ko": "폭우 경보로 쉽니다.", "en": "Heavy rain is forecast."}


@pytest.fixture
async def series(client: httpx.AsyncClient, hers: Headers) -> UUID:
    """Every Friday at Exit 10, fresh."""
    id = uuid4()
    assert (await put(client, hers, FRIDAYS, id)).status_code == 201
    return id


@pytest.fixture
async def phones(owner: asyncpg.Connection, series: UUID, keyring: Keyring) -> None:
    """Twenty-four phones that follow the series."""
    await owner.execute(
        "insert into subscription (id, epoch, series, audience, language, box, expires_on)"
        " select gen_random_uuid(), (select min(id) from epoch), $1, 'attendees', 'ko',"
        " decode(repeat('00', 1072), 'hex'), '2024-10-01' from generate_series(1, 24)",
        series,
    )


async def ask(client: httpx.AsyncClient, hers: Headers, **change: Any) -> dict[str, Any]:
    """What a change would do."""
    answer = await client.post("/v1/effects", json=change, headers=hers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def propose(
    client: httpx.AsyncClient, hers: Headers, series: UUID, day: str = "2024-09-13"
) -> httpx.Response:
    """Ask to call one Friday off."""
    path = f"/v1/occurrences/{uuid5(series, day)}"
    condition = await etag(client, path)
    return await client.put(
        f"{path}/cancellation", json={"reason": REASON}, headers={**hers, **condition}
    )


async def everything(owner: asyncpg.Connection) -> list[Any]:
    """All rows that a change could touch."""
    tables = ("series", "occurrence", "alert", "proposal", "approval", "events_version")
    return [await owner.fetch(f"select * from {table} order by 1") for table in tables]  # noqa: S608


@pytest.mark.usefixtures("phones")
async def test_she_is_told_whom_a_cancellation_reaches_and_nothing_happens(
    client: httpx.AsyncClient, hers: Headers, series: UUID, owner: asyncpg.Connection
) -> None:
    occurrence = str(uuid5(series, "2024-09-13"))
    alert = {
        "occurrence": occurrence,
        "kind": "information",
        "texts": {"ko": {"title": "안내", "body": "우산을 가져오세요."}},
    }
    await client.put(f"/v1/alerts/{uuid4()}", json=alert, headers=hers)
    before = await everything(owner)
    told = await ask(client, hers, change="cancellation", occurrence=occurrence, reason=REASON)
    assert await everything(owner) == before
    assert (
        told["texts"]["ko"]["body"]
        == "9월 13일(금) 19:00 모임이 취소되었습니다. 폭우 경보로 쉽니다."
    )
    del told["texts"]
    assert told == {
        "added": 0,
        "moved": 0,
        "changed": 0,
        "cancelled": 1,
        "subscriptions": 20,
        "alerts": 1,
        "reminders": 2,
        "approvalsNeeded": 2,
        "kind": "cancellation",
    }


@pytest.mark.usefixtures("phones")
async def test_a_change_of_all_is_counted_gathering_by_gathering(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    saturdays = body(startsLocal="2024-08-31T14:00:00", rrule="FREQ=WEEKLY;BYDAY=SA")
    told = await ask(client, hers, change="series", series=str(series), plan=saturdays)
    assert (told["cancelled"], told["added"], told["moved"]) == (26, 26, 0)
    assert (told["kind"], told["approvalsNeeded"]) == ("change", 2)
    later = body(startsLocal="2024-08-30T19:30:00")
    told = await ask(client, hers, change="series", series=str(series), plan=later)
    assert (told["moved"], told["cancelled"], told["approvalsNeeded"]) == (26, 0, 0)
    assert told["reminders"] == 52
    elsewhere = body(place="bosingak")
    told = await ask(client, hers, change="series", series=str(series), plan=elsewhere)
    assert (told["changed"], told["kind"], told["subscriptions"]) == (26, "change", 20)
    same = await ask(client, hers, change="series", series=str(series), plan=FRIDAYS)
    assert same == {**dict.fromkeys(same, 0), "kind": None, "texts": None}


async def test_a_change_that_cannot_be_has_no_effects(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    change = {"change": "removed-date", "series": str(series), "date": "2024-09-10"}
    answer = await client.post("/v1/effects", json=change, headers=hers)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-date")
    for wrong in ({"change": "everything"}, {"series": str(series)}, [], "cancel"):
        assert (await client.post("/v1/effects", json=wrong, headers=hers)).status_code == 400
    assert (await client.post("/v1/effects", json=change)).status_code == 401


async def test_the_same_proposal_again_is_one_and_may_be_withdrawn_and_made_anew(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID
) -> None:
    answers = await asyncio.gather(*(propose(client, hers, series) for _ in range(3)))
    assert {each.status_code for each in answers} == {202}
    (proposal,) = {each.json()["id"] for each in answers}
    listed = (await client.get("/v1/proposals", headers=hers)).json()["items"]
    assert [each["id"] for each in listed if each["series"] == str(series)] == [proposal]
    withdrawn = await client.put(f"/v1/proposals/{proposal}/withdrawal", headers=hers)
    assert withdrawn.json()["state"] == "withdrawn"
    late = await client.put(f"/v1/proposals/{proposal}/approval", headers=hers)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/proposal-over")
    anew = await propose(client, hers, series)
    assert (anew.json()["id"], anew.json()["state"]) == (proposal, "open")
    await agree(anew)
    over = await client.put(f"/v1/proposals/{proposal}/withdrawal", headers=hers)
    assert (over.status_code, over.json()["type"]) == (409, "/problems/proposal-over")


async def test_organisers_agree_to_what_they_read_and_not_to_what_it_became(
    client: httpx.AsyncClient, hers: Headers, organiser: MakeOrganiser, series: UUID
) -> None:
    proposed = await propose(client, hers, series)
    path = f"/v1/occurrences/{uuid5(series, '2024-09-13')}"
    condition = await etag(client, path)
    await client.put(path, json={"place": "bosingak"}, headers={**hers, **condition})
    other = (await organiser("organiser")).headers
    agreed = f"/v1/proposals/{proposed.json()['id']}/approval"
    answer = await client.put(agreed, headers=other)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/changed-meanwhile")
    assert (await client.get(path)).json()["state"] == "scheduled"


async def test_who_proposed_is_forgotten_a_day_after_it_was_decided(
    client: httpx.AsyncClient,
    hers: Headers,
    agree: Agree,
    series: UUID,
    settings: Settings,
    pool_as: PoolAs,
    clock: SetClock,
) -> None:
    pool = await pool_as("exit10_worker")
    coalition = CoalitionService(pool, clock, settings)
    service = ProposalService(pool, clock, coalition)
    decided, ignored = (
        await propose(client, hers, series),
        await propose(client, hers, series, "2024-09-20"),
    )
    await agree(decided)
    clock.forward(hours=23)
    await forget_proposals(service)
    path = f"/v1/proposals/{decided.json()['id']}"
    assert (await client.get(path, headers=hers)).status_code == 200
    clock.forward(hours=2)
    await forget_proposals(service)
    assert (await client.get(path, headers=hers)).status_code == 404
    path = f"/v1/proposals/{ignored.json()['id']}"
    assert (await client.get(path, headers=hers)).status_code == 200
    clock.set(clock() + timedelta(days=7))
    await forget_proposals(service)
    assert (await client.get(path, headers=hers)).status_code == 404


@pytest.mark.usefixtures("phones")
async def test_64_a_series_moved_while_people_follow_it_leaves_them_following(
    client: httpx.AsyncClient,
    hers: Headers,
    series: UUID,
    owner: asyncpg.Connection,
    events: EventService,
) -> None:
    path = f"/v1/occurrences/{uuid5(series, '2024-09-20')}"
    plan = body(startsLocal="2024-09-20T20:00:00", place="bosingak")
    new = uuid4()
    split = await client.put(
        f"{path}/following",
        json={"series": str(new), "plan": plan},
        headers={**hers, **await etag(client, path)},
    )
    alert = UUID(split.headers["link"].split("/")[-1].partition(">")[0])
    about = await client.get(f"/v1/alerts/{alert}/preview", headers=hers)
    assert about.json()["recipients"] == 20, "whoever followed the first follows what continues it"
    kept = await owner.fetchval("select series from occurrence where id = $1", UUID(path[-36:]))
    assert kept == new
    assert await events.root_of(new) == series, "a phone that subscribes now follows the first"
    fresh = {"occurrence": path[-36:], "kind": "information", "texts": FRIDAY_NEWS}
    await client.put(f"/v1/alerts/{new}", json=fresh, headers=hers)
    shown = (await client.get(f"/v1/alerts/{new}", headers=hers)).json()
    assert shown["series"] == str(series)


@pytest.mark.usefixtures("keyring")
async def test_a_phone_that_follows_what_continues_a_series_follows_the_whole_line(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path, new = f"/v1/occurrences/{uuid5(series, '2024-09-20')}", uuid4()
    split = await client.put(
        f"{path}/following",
        json={"series": str(new), "plan": body(startsLocal="2024-09-20T20:00:00")},
        headers={**hers, **await etag(client, path)},
    )
    assert split.status_code == 201
    phone = Phone.new("https://fcm.googleapis.com/fcm/send/phone-of-the-line")
    wanted = {"subscription": phone.subscription(), "series": str(new), "language": "ko"}
    told = await client.put("/v1/push/subscription", json=wanted, headers=bearer(phone))
    assert (told.status_code, told.json()["series"]) == (200, str(series))


FRIDAY_NEWS = {"ko": {"title": "안내", "body": "보신각에서 만나요."}}


async def test_65_the_31st_and_29_february_are_passed_over_where_there_are_none(
    client: httpx.AsyncClient, hers: Headers, clock: SetClock
) -> None:
    ends, leaps = uuid4(), uuid4()
    monthly = body(startsLocal="2024-10-31T19:00:00", rrule="FREQ=MONTHLY;BYMONTHDAY=31;COUNT=4")
    yearly = body(
        startsLocal="2028-02-29T19:00:00", rrule="FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29;COUNT=2"
    )
    for series, plan in ((ends, monthly), (leaps, yearly)):
        assert (await put(client, hers, plan, series)).status_code == 201
    span = {"from": "2024-10-01T00:00:00Z", "to": "2040-01-01T00:00:00Z", "series": str(ends)}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert [each["startsAt"][:10] for each in items] == [
        "2024-10-31",
        "2024-12-31",
        "2025-01-31",
        "2025-03-31",
    ]
    items = (await client.get("/v1/occurrences", params={**span, "series": str(leaps)})).json()
    assert [each["startsAt"][:10] for each in items["items"]] == ["2028-02-29"]
    date = f"/v1/series/{ends}/dates/2024-11-31"
    assert (await client.put(date, json={}, headers=hers)).status_code in (400, 404)
