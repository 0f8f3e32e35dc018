"""Organisers compose an alert, look at it, approve it together; everybody can read it."""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser
from tests.support.rally import TEXTS, Rally, Worker


def slug(answer: httpx.Response) -> str:
    """The kind of a problem."""
    return str(answer.json()["type"]).removeprefix("/problems/")


async def test_a_draft_may_be_repeated_and_changed(rally: Rally) -> None:
    alert = uuid4()
    draft = {"occurrence": str(rally.occurrence), "kind": "change", "texts": TEXTS}
    statuses: list[int] = []
    for body in (draft, draft, draft | {"kind": "information"}):
        answer = await rally.client.put(
            f"/v1/alerts/{alert}", json=body, headers=rally.composer.headers
        )
        statuses.append(answer.status_code)
    assert statuses == [201, 200, 200]
    assert answer.json()["kind"] == "information"
    assert answer.json()["state"] == "draft"
    assert answer.json()["approvals"]["needed"] == 2


async def test_nobody_approves_her_own_alert(rally: Rally) -> None:
    alert = await rally.compose()
    answer = await rally.client.put(f"/v1/alerts/{alert}/approval", headers=rally.composer.headers)
    assert (answer.status_code, slug(answer)) == (403, "own-approval")
    found = await rally.client.get(f"/v1/alerts/{alert}", headers=rally.approver.headers)
    assert found.json()["state"] == "draft"


async def test_the_second_organiser_lets_it_go_out_once(rally: Rally, worker: Worker) -> None:
    await rally.subscribe(1)
    alert = await rally.compose()
    for _ in range(3):
        assert (await rally.approve(alert))["state"] == "approved"
    await worker.work()
    assert (await rally.approve(alert))["state"] == "sent"
    await worker.work()
    assert len(await rally.received()) == 1


async def test_a_changed_draft_has_lost_its_approvals(
    rally: Rally, organiser: MakeOrganiser, settings: Settings
) -> None:
    alert = await rally.compose("leave-now")
    changed = {
        "occurrence": str(rally.occurrence),
        "kind": "leave-now",
        "texts": {"ko": {"title": "다른 말", "body": "다른 말"}},
    }
    stranger = await rally.client.put(
        f"/v1/alerts/{alert}", json=changed, headers=rally.approver.headers
    )
    assert (stranger.status_code, slug(stranger)) == (409, "alert-of-another")
    await rally.approve(alert)
    late = await rally.client.put(
        f"/v1/alerts/{alert}", json=changed, headers=rally.composer.headers
    )
    assert (late.status_code, slug(late)) == (409, "alert-not-draft")


async def test_a_preview_shows_sizes_and_rounds_the_crowd(rally: Rally) -> None:
    await rally.subscribe(19)
    alert = await rally.compose("safety-warning")

    async def preview() -> dict[str, object]:
        answer = await rally.client.get(
            f"/v1/alerts/{alert}/preview", headers=rally.composer.headers
        )
        return answer.json()

    few = await preview()
    assert few["recipients"] == 0
    assert (few["timeToLiveSeconds"], few["urgency"]) == (3600, "high")
    texts = few["texts"]
    assert isinstance(texts, dict)
    assert texts["ko"]["bytes"] == sum(len(part.encode()) for part in TEXTS["ko"].values())
    assert texts["ko"]["fits"]
    await rally.subscribe(5)
    assert (await preview())["recipients"] == 20


async def test_a_text_that_does_not_fit_is_seen_before_and_never_sent(rally: Rally) -> None:
    long = {"ko": {"title": "긴 글", "body": "가" * 700}}
    alert = await rally.compose(texts=long)
    preview = await rally.client.get(f"/v1/alerts/{alert}/preview", headers=rally.composer.headers)
    assert preview.json()["texts"]["ko"]["fits"] is False
    answer = await rally.client.put(f"/v1/alerts/{alert}/approval", headers=rally.approver.headers)
    assert (answer.status_code, slug(answer)) == (422, "text-too-long")


@pytest.mark.parametrize("text", ["\u202e거꾸로", "보이지\u200b않게", "벨\x07", " "])
async def test_text_that_deceives_the_eye_is_refused(rally: Rally, text: str) -> None:  # input 56
    answer = await rally.client.put(
        f"/v1/alerts/{uuid4()}",
        json={
            "occurrence": str(rally.occurrence),
            "kind": "change",
            "texts": {"ko": {"title": text, "body": "본문"}},
        },
        headers=rally.composer.headers,
    )
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert not text.strip() or text not in answer.text


async def test_unnormalised_text_is_kept_normalised(rally: Rally) -> None:  # bad input 56
    alert = await rally.compose(texts={"ko": {"title": "강남역", "body": "출구"}})
    found = await rally.client.get(f"/v1/alerts/{alert}", headers=rally.composer.headers)
    assert found.json()["texts"]["ko"]["title"] == "강남역"


async def test_an_update_takes_the_place_of_the_earlier_alert(rally: Rally) -> None:
    first = await rally.compose()
    second = await rally.compose(replaces=str(first))
    tags = [
        (await rally.client.get(f"/v1/alerts/{alert}", headers=rally.composer.headers)).json()[
            "tag"
        ]
        for alert in (first, second)
    ]
    assert tags[0] == tags[1]
    stray = await rally.client.put(
        f"/v1/alerts/{uuid4()}",
        json={
            "occurrence": str(rally.occurrence),
            "kind": "change",
            "texts": TEXTS,
            "replaces": str(uuid4()),
        },
        headers=rally.composer.headers,
    )
    assert (stray.status_code, slug(stray)) == (404, "replaced-not-found")


async def test_everybody_can_read_what_went_out_newest_first(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    address = f"/v1/occurrences/{rally.occurrence}/alerts"
    first = await rally.announce()
    assert (await rally.client.get(address)).json() == {"alerts": []}
    await worker.work()
    clock.forward(minutes=1)
    await rally.announce(replaces=str(first))
    await worker.work()
    answer = await rally.client.get(address, params={"lang": "en"})
    newest, oldest = answer.json()["alerts"]
    assert (newest["title"], newest["language"]) == (TEXTS["en"]["title"], "en")
    assert (newest["replaced"], oldest["replaced"]) == (False, True)
    korean = await rally.client.get(address, headers={"Accept-Language": "ko-KR,en;q=0.5"})
    assert korean.json()["alerts"][0]["language"] == "ko"
    same = await rally.client.get(
        address, params={"lang": "en"}, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (same.status_code, same.content) == (304, b"")
    assert (await rally.client.get(f"/v1/occurrences/{uuid4()}/alerts")).status_code == 404


async def test_progress_is_told_as_it_happens(rally: Rally, worker: Worker) -> None:
    await rally.subscribe(3)
    alert = await rally.announce()
    stream = asyncio.create_task(
        rally.client.get(f"/v1/alerts/{alert}/live", headers=rally.composer.headers)
    )
    await asyncio.sleep(0.3)
    await worker.work()
    async with asyncio.timeout(10):
        answer = await stream
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: ")
    ]
    assert told[0]["state"] == "approved"
    assert (told[-1]["state"], told[-1]["delivered"]) == ("sent", 3)


async def test_an_alert_that_nobody_could_send_in_time_expires(
    rally: Rally, worker: Worker, clock: SetClock
) -> None:
    await rally.subscribe(1)
    alert = await rally.announce("leave-now")
    clock.forward(minutes=16)
    await worker.work()
    assert (await rally.progress(alert))["state"] == "expired"
    assert await rally.received() == []


async def test_a_day_later_nobody_knows_who_composed_and_approved_it(
    rally: Rally, worker: Worker, clock: SetClock, owner: asyncpg.Connection
) -> None:
    alert = await rally.announce()
    await worker.work()
    known = (
        "select count(*) from approval full join alert on subject = id"
        " where organiser is not null or composer is not null"
    )
    clock.forward(hours=23)
    assert await worker.dispatch.forget_authors() == 0
    assert await owner.fetchval(known) != 0
    clock.forward(hours=2)
    assert await worker.dispatch.forget_authors() == 1
    assert await owner.fetchval(known) == 0
    assert (await rally.progress(alert))["state"] == "sent"


@pytest.mark.parametrize("path", ["", "/preview", "/progress", "/live"])
async def test_an_unknown_alert_is_not_there(rally: Rally, path: str) -> None:
    answer = await rally.client.get(
        f"/v1/alerts/{UUID(int=5)}{path}", headers=rally.composer.headers
    )
    assert (answer.status_code, slug(answer)) == (404, "not-found")


async def test_a_phone_cannot_do_what_organisers_do(rally: Rally) -> None:
    [phone] = await rally.subscribe(1)
    answer = await rally.client.put(
        f"/v1/alerts/{uuid4()}",
        json={"occurrence": str(rally.occurrence), "kind": "change", "texts": TEXTS},
        headers={"Authorization": f"Bearer {phone.token}"},
    )
    assert answer.status_code == 401
