"""Organisers change one gathering, all that follow, or all. Links in people's hands still lead."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import pytest

from tests.events.gatherings import FRIDAYS, Agree, body, etag, put
from tests.support.clock import SetClock

Headers = dict[str, str]
REASON = {"ko": "폭우 경보로 쉽니다.", "en": "Heavy rain is forecast."}


@pytest.fixture
async def series(client: httpx.AsyncClient, hers: Headers) -> UUID:
    """Every Friday at Exit 10, fresh."""
    id = uuid4()
    assert (await put(client, hers, FRIDAYS, id)).status_code == 201
    return id


def friday(series: UUID, day: str) -> str:
    """The path of one gathering."""
    return f"/v1/occurrences/{uuid5(series, day)}"


async def change(
    client: httpx.AsyncClient, hers: Headers, path: str, content: Any, **options: Any
) -> httpx.Response:
    """Change something on the condition that it is as it is read now."""
    base = options.get("base", path)
    return await client.put(path, json=content, headers={**hers, **await etag(client, base)})


async def starts(client: httpx.AsyncClient, series: UUID, state: str = "held") -> list[str]:
    """Starts of September's gatherings."""
    span = {"from": "2024-09-02T00:00:00Z", "to": "2024-10-01T00:00:00Z", "series": str(series)}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    return [
        each["startsAt"][:16]
        for each in items
        if (each["state"] == "cancelled") is (state == "cancelled")
    ]


async def test_one_friday_moves_to_saturday_and_keeps_its_link(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    moved = await change(client, hers, path, {"startsLocal": "2024-09-14T18:00:00"})
    assert moved.status_code == 200
    assert moved.json()["startsAt"] == "2024-09-14T18:00:00+09:00"
    assert moved.json()["endsAt"] == "2024-09-14T20:00:00+09:00"
    assert (await client.get(path)).content == moved.content
    assert await starts(client, series) == [
        "2024-09-06T19:00",
        "2024-09-14T18:00",
        "2024-09-20T19:00",
        "2024-09-27T19:00",
    ]
    back = await change(client, hers, path, {})
    assert back.json()["startsAt"] == "2024-09-13T19:00:00+09:00"


async def test_a_friday_of_its_own_keeps_its_own_when_all_change(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    own = {
        "startsLocal": "2024-09-14T18:00:00",
        "place": "bosingak",
        "texts": {"en": {"rainPlan": "Under the roof.", "bring": ""}},
    }
    assert (await change(client, hers, path, own)).status_code == 200
    english = {**FRIDAYS["texts"]["en"], "title": "Fridays", "bring": "Light"}
    texts = {**FRIDAYS["texts"], "en": english}
    everything = body(startsLocal="2024-08-30T20:00:00", texts=texts)
    answer = await put(
        client,
        hers,
        everything,
        series,
        if_match=(await etag(client, f"/v1/series/{series}"))["If-Match"],
    )
    assert answer.status_code == 200
    gathering = (await client.get(path, params={"lang": "en"})).json()
    assert gathering["startsAt"] == "2024-09-14T18:00:00+09:00"
    assert gathering["place"]["id"] == "bosingak"
    assert (gathering["title"], gathering["remarks"]) == (
        "Fridays",
        {"rainPlan": "Under the roof."},
    )
    plan = await client.get(f"{path}/plan", headers=hers)
    assert plan.json() == {
        "startsLocal": "2024-09-14T18:00:00",
        "durationMinutes": None,
        "place": "bosingak",
        "texts": {"en": {"rainPlan": "Under the roof.", "bring": ""}},
    }
    assert await starts(client, series) == [
        "2024-09-06T20:00",
        "2024-09-14T18:00",
        "2024-09-20T20:00",
        "2024-09-27T20:00",
    ]


async def test_what_a_language_does_not_say_is_told_in_another(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    own = {
        "texts": {
            "ko": {
                "transportHome": "심야버스 N13",
                "programme": [{"at": "19:00", "title": "여는 말"}],
            },
            "en": {"accessibility": {"stepFreeRoute": "Lift at Exit 1"}},
        }
    }
    path = friday(series, "2024-09-13")
    assert (await change(client, hers, path, own)).status_code == 200
    told = (await client.get(path, params={"lang": "en"})).json()
    assert told["remarks"] == {
        "programme": [{"at": "19:00", "title": "여는 말"}],
        "accessibility": {"stepFreeRoute": "Lift at Exit 1"},
        "transportHome": "심야버스 N13",
    }
    assert told["borrowed"] == {"programme": "ko", "transportHome": "ko"}


async def test_a_cancellation_takes_effect_when_another_organiser_agrees(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    proposed = await change(client, hers, f"{path}/cancellation", {"reason": REASON}, base=path)
    assert proposed.status_code == 202
    proposal = proposed.json()
    assert (proposal["state"], proposal["approvals"]["given"]) == ("open", 1)
    assert proposal["effects"]["cancelled"] == 1
    assert proposal["effects"]["texts"]["en"]["body"] == (
        "Cancelled: Friday 13 September, 19:00. Heavy rain is forecast."
    )
    assert (await client.get(path)).json()["state"] == "scheduled"
    own = await client.put(f"/v1/proposals/{proposal['id']}/approval", headers=hers)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/own-approval")
    await agree(proposed)
    cancelled = (await client.get(path, params={"lang": "en"})).json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", REASON["en"])
    assert await starts(client, series, "cancelled") == ["2024-09-13T19:00"]
    again = await client.put(f"{path}/cancellation", json={"reason": REASON}, headers=hers)
    assert again.status_code == 200, "what is so already needs nobody to agree"


async def test_people_are_told_at_once_when_a_cancellation_is_agreed(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID, owner: Any
) -> None:
    path = friday(series, "2024-09-13")
    await agree(await change(client, hers, f"{path}/cancellation", {"reason": REASON}, base=path))
    alert = await owner.fetchrow("select * from alert where occurrence = $1", UUID(path[-36:]))
    assert (alert["kind"], alert["state"], alert["series"]) == ("cancellation", "approved", series)


async def test_a_move_drafts_an_alert_that_waits_for_approval(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    moved = await change(client, hers, path, {"startsLocal": "2024-09-13T18:00:00"})
    link = moved.headers["link"].partition(">")[0].removeprefix("<")
    alert = (await client.get(link, headers=hers)).json()
    assert (alert["kind"], alert["state"]) == ("change", "draft")
    assert alert["texts"]["ko"]["body"] == (
        "시간이 바뀌었습니다. 9월 13일(금) 19:00 → 9월 13일(금) 18:00. 장소: 강남역 10번 출구."
    )
    remark = {"startsLocal": "2024-09-13T18:00:00", "texts": {"ko": {"bring": "우산"}}}
    assert "link" not in (await change(client, hers, path, remark)).headers


async def test_a_cancelled_friday_is_held_after_all(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    await agree(await change(client, hers, f"{path}/cancellation", {"reason": REASON}, base=path))
    blind = await client.delete(f"{path}/cancellation", headers=hers)
    assert blind.status_code == 428
    condition = await etag(client, path)
    held = await client.delete(f"{path}/cancellation", headers={**hers, **condition})
    assert (held.status_code, held.json()["state"]) == (200, "scheduled")
    assert held.json()["reason"] is None


async def test_a_date_is_removed_without_a_word_and_brought_back(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID
) -> None:
    path, date = f"/v1/series/{series}", f"/v1/series/{series}/dates/2024-09-13"
    removed = await client.delete(date, headers={**hers, **await etag(client, path)})
    await agree(removed)
    assert (await client.get(path)).json()["removedDates"] == ["2024-09-13"]
    assert await starts(client, series) == [
        "2024-09-06T19:00",
        "2024-09-20T19:00",
        "2024-09-27T19:00",
    ]
    assert await starts(client, series, "cancelled") == []
    link = await client.get(friday(series, "2024-09-13"))
    assert link.json()["state"] == "cancelled", "who holds the link learns that it is not held"
    assert (await client.delete(date, headers=hers)).status_code == 200
    back = await change(client, hers, date, {}, base=path)
    assert (back.status_code, back.json()["removedDates"]) == (200, [])
    assert "2024-09-13T19:00" in await starts(client, series)


async def test_a_saturday_is_added_and_taken_away_again(
    client: httpx.AsyncClient, hers: Headers, agree: Agree, series: UUID
) -> None:
    path, date = f"/v1/series/{series}", f"/v1/series/{series}/dates/2024-09-14"
    added = await change(client, hers, date, {"startsLocal": "2024-09-14T15:00:00"}, base=path)
    assert added.status_code == 200, added.text
    assert (await starts(client, series))[1:3] == ["2024-09-13T19:00", "2024-09-14T15:00"]
    again = await client.put(date, json={"startsLocal": "2024-09-14T15:00:00"}, headers=hers)
    assert (again.status_code, again.content) == (200, added.content)
    condition = await etag(client, path)
    await agree(await client.delete(date, headers={**hers, **condition}))
    assert "2024-09-14T15:00" not in await starts(client, series)


async def test_63_an_exception_for_a_date_that_is_none_is_refused(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path = f"/v1/series/{series}"
    for day in ("2024-09-10", "2024-08-23", "2024-08-16"):
        condition = await etag(client, path)
        answer = await client.delete(f"{path}/dates/{day}", headers={**hers, **condition})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-date")
    for day in ("yesterday", "2024-02-30", "2024-9-1"):
        answer = await client.delete(f"{path}/dates/{day}", headers=hers)
        assert answer.status_code in (400, 404), day
    nobody = await change(client, hers, f"/v1/occurrences/{uuid4()}", {}, base=path)
    assert nobody.status_code == 404


async def test_this_and_following_keep_ids_links_and_subscriptions(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    new = uuid4()
    before = (await client.get(friday(series, "2024-09-20"))).json()
    later = body(startsLocal="2024-09-20T19:30:00", place="bosingak")
    path = f"{friday(series, '2024-09-20')}"
    split = await change(
        client, hers, f"{path}/following", {"series": str(new), "plan": later}, base=path
    )
    assert split.status_code == 201, split.text
    told = split.json()
    assert (told["root"], told["continues"]) == (str(series), str(series))
    parent = (await client.get(f"/v1/series/{series}")).json()
    assert parent["endsBefore"] == "2024-09-20"
    after = (await client.get(path)).json()
    assert (after["id"], after["series"], after["root"]) == (before["id"], str(new), str(series))
    for known in (series, new):
        assert await starts(client, known) == [
            "2024-09-06T19:00",
            "2024-09-13T19:00",
            "2024-09-20T19:30",
            "2024-09-27T19:30",
        ]
    again = await client.put(
        f"{path}/following", json={"series": str(new), "plan": later}, headers=hers
    )
    assert (again.status_code, again.content) == (200, split.content)
    taken = {"series": str(new), "plan": body(startsLocal="2024-09-20T20:00:00")}
    answer = await client.put(f"{path}/following", json=taken, headers=hers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/series-taken")


async def test_a_series_is_split_twice_and_its_line_holds(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    for day, hour in (("2024-09-27", "17:00"), ("2024-09-13", "18:00")):
        path = friday(series, day)
        plan = body(startsLocal=f"{day}T{hour}:00")
        content = {"series": str(uuid5(series, hour)), "plan": plan}
        answer = await change(client, hers, f"{path}/following", content, base=path)
        assert answer.status_code == 201, answer.text
    assert await starts(client, series) == [
        "2024-09-06T19:00",
        "2024-09-13T18:00",
        "2024-09-20T18:00",
        "2024-09-27T17:00",
    ]
    last = (await client.get(f"/v1/series/{uuid5(series, '17:00')}")).json()
    assert last["continues"] == str(uuid5(series, "18:00"))


@pytest.mark.parametrize(
    ("day", "plan", "slug"),
    [
        ("2024-08-30", body(), "begun"),
        ("2024-09-13", body(), "starts-too-early"),
        ("2024-09-13", body(startsLocal="2024-09-13T19:00:00", state="draft"), "not-published"),
        ("2024-09-13", body(startsLocal="2024-09-14T19:00:00"), "start-outside-rule"),
    ],
)
async def test_a_split_that_cannot_be_is_refused(
    client: httpx.AsyncClient, hers: Headers, series: UUID, day: str, plan: Any, slug: str
) -> None:
    path = friday(series, day)
    content = {"series": str(uuid4()), "plan": plan}
    answer = await change(client, hers, f"{path}/following", content, base=path)
    assert answer.json()["type"] == f"/problems/{slug}"


async def test_two_organisers_cannot_overwrite_each_other_s_friday(
    client: httpx.AsyncClient, hers: Headers, series: UUID
) -> None:
    path = friday(series, "2024-09-13")
    seen = await etag(client, path)
    english = {"If-Match": (await client.get(path, params={"lang": "en"})).headers["etag"]}
    plan = {"If-Match": (await client.get(f"{path}/plan", headers=hers)).headers["etag"]}
    blind = await client.put(path, json={"place": "bosingak"}, headers=hers)
    assert blind.status_code == 428
    first = await client.put(path, json={"place": "bosingak"}, headers={**hers, **english})
    assert first.status_code == 200
    for stale in (seen, english, plan):
        second = await client.put(path, json={"place": "jonggak"}, headers={**hers, **stale})
        assert second.status_code in (412, 422)
    third = await client.put(path, json={}, headers={**hers, **stale})
    assert third.status_code == 412
    repeat = await client.put(path, json={"place": "bosingak"}, headers={**hers, **seen})
    assert (repeat.status_code, repeat.content) == (200, first.content)


async def test_a_gathering_that_has_begun_stays_as_it_is_but_its_texts(
    client: httpx.AsyncClient, hers: Headers, series: UUID, clock: SetClock
) -> None:
    clock.set(datetime(2024, 9, 6, 10, 30, tzinfo=UTC))
    path = friday(series, "2024-09-06")
    late = await change(client, hers, path, {"startsLocal": "2024-09-06T20:00:00"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/begun")
    off = await change(client, hers, f"{path}/cancellation", {"reason": REASON}, base=path)
    assert (off.status_code, off.json()["type"]) == (409, "/problems/begun")
    text = {"texts": {"ko": {"meetingPoint": "11번 출구 앞"}}}
    assert (await change(client, hers, path, text)).status_code == 200
    clock.set(datetime(2024, 9, 6, 12, 0, tzinfo=UTC))
    assert (await client.get(path)).json()["state"] == "past"
    over = await change(client, hers, path, {})
    assert (over.status_code, over.json()["type"]) == (409, "/problems/over")


@pytest.mark.parametrize(
    ("own", "slug"),
    [
        ({"startsLocal": "2024-09-01T19:00:00"}, "starts-in-past"),
        ({"place": "my-flat"}, "unknown-place"),
        ({"texts": {"ja": {"title": "金曜集会"}}}, "text-incomplete"),
    ],
)
async def test_a_friday_of_its_own_that_cannot_be_is_refused(
    client: httpx.AsyncClient, hers: Headers, series: UUID, own: Any, slug: str
) -> None:
    answer = await change(client, hers, friday(series, "2024-09-13"), own)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")


async def test_an_organiser_reads_her_draft_back_and_nobody_else_does(
    client: httpx.AsyncClient, hers: Headers, clock: SetClock
) -> None:
    draft = uuid4()
    made = await put(client, hers, body(state="draft"), draft)
    read = await client.get(f"/v1/series/{draft}/plan", headers=hers)
    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])
    assert str(draft) in (await client.get("/v1/drafts", headers=hers)).text
    assert (await client.get(f"/v1/series/{draft}")).status_code == 404
    assert (await client.get(f"/v1/series/{draft}/plan")).status_code == 401


async def test_a_press_briefing_has_an_embargo_and_says_how_to_be_let_in(
    client: httpx.AsyncClient, hers: Headers, clock: SetClock
) -> None:
    series, statement = uuid4(), str(uuid4())
    text = {**FRIDAYS["texts"]["ko"], "accreditation": "기자증을 가져오세요."}
    press = {"embargoUntil": "2024-09-03T02:00:00Z", "statement": statement}
    plan = body(
        kind="press-briefing",
        rrule=None,
        startsLocal="2024-09-03T11:00:00",
        texts={"ko": text},
        press=press,
    )
    assert (await put(client, hers, plan, series)).status_code == 201
    told = (await client.get(friday(series, "2024-09-03"))).json()
    assert told["press"] == press
    assert told["remarks"]["accreditation"] == "기자증을 가져오세요."
    rally = body(press=press)
    assert (await put(client, hers, rally)).status_code == 400


async def test_the_public_version_grows_with_what_the_public_sees(
    client: httpx.AsyncClient, hers: Headers, series: UUID, events: Any
) -> None:
    before = await events.version()
    path = friday(series, "2024-09-13")
    await client.put(path, json={"place": "bosingak"}, headers=hers)
    await put(client, hers, body(state="draft"))
    assert await events.version() == before, "nothing that people see has changed"
    await change(client, hers, path, {"place": "bosingak"})
    assert await events.version() == before + 1
