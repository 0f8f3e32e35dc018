"""People who follow by calendar or feed see what the list of gatherings tells."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4
from xml.etree import ElementTree as ET

import asyncpg
import httpx
import pytest

from backend.events.service import EventService
from tests.conftest import ORIGIN, MakeOrganiser
from tests.events.gatherings import FRIDAYS, Agree, body, etag, put
from tests.events.long_run import LongRun, instants_told, live_through
from tests.events.readers import READERS, by_ical_js
from tests.support.clock import SetClock
from tests.support.rally import TEXTS

ATOM = "{http://www.w3.org/2005/Atom}"
EVENT = "{http://purl.org/rss/1.0/modules/event/}"
END = datetime(2027, 6, 1, tzinfo=UTC)


class Told(NamedTuple):
    """An entry of the feed."""

    id: str
    title: str
    updated: datetime
    terms: list[str]
    starts_at: datetime | None
    text: str
    links: dict[str, str]

    @classmethod
    def of(cls, entry: ET.Element) -> "Told":
        """Read as RFC 4287 says."""
        start = entry.findtext(f"{EVENT}startdate")
        return cls(
            id=entry.findtext(f"{ATOM}id", ""),
            title=entry.findtext(f"{ATOM}title", ""),
            updated=datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")),
            terms=[each.get("term", "") for each in entry.findall(f"{ATOM}category")],
            starts_at=None if start is None else datetime.fromisoformat(start).astimezone(UTC),
            text=entry.findtext(f"{ATOM}content", ""),
            links=links_of(entry),
        )


def links_of(element: ET.Element) -> dict[str, str]:
    """Addresses by relation."""
    return {each.get("rel", ""): each.get("href", "") for each in element.findall(f"{ATOM}link")}


async def whole_feed(client: httpx.AsyncClient, first: str = "/v1/feed.atom") -> list[Told]:
    """Every entry, page after page, as a feed reader comes to them."""
    told: list[Told] = []
    address: str | None = first
    while address is not None:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        feed = ET.fromstring(answer.content)  # noqa: S314 - our own
        page = [Told.of(entry) for entry in feed.findall(f"{ATOM}entry")]
        updated = datetime.fromisoformat(feed.findtext(f"{ATOM}updated", ""))
        assert updated == max(each.updated for each in page)
        assert [each.updated for each in page] == sorted(
            (each.updated for each in page), reverse=True
        )
        told += page
        address = links_of(feed).get("next")
    return told


def instants(told: list[Told]) -> tuple[list[datetime], list[datetime]]:
    """Starts of what is held and of what is cancelled."""
    gatherings = [each for each in told if each.starts_at is not None]
    held = [each.starts_at for each in gatherings if "cancelled" not in each.terms]
    cancelled = [each.starts_at for each in gatherings if "cancelled" in each.terms]
    return sorted(filter(None, held)), sorted(filter(None, cancelled))


@pytest.fixture(scope="module")
def alone() -> dict[str, LongRun]:
    """The long run, once it was lived through: it takes a while."""
    return {}


@pytest.fixture
async def lived(
    client: httpx.AsyncClient,
    organiser: MakeOrganiser,
    events: EventService,
    clock: SetClock,
    alone: dict[str, LongRun],
) -> LongRun:
    """Fridays from 30 August 2024 to the end of 2026, changed as life changes them."""
    if "lived" not in alone:
        alone["lived"] = await live_through(client, organiser, events, clock, uuid4())
    return alone["lived"]


async def test_list_calendars_and_feed_tell_the_same_instants(
    client: httpx.AsyncClient, lived: LongRun
) -> None:
    told = (lived.held, lived.cancelled)
    assert await instants_told(client, lived.series) == told
    for path in (f"/v1/series/{lived.series}/calendar.ics", "/v1/calendar.ics"):
        calendar = (await client.get(path)).content
        for read in READERS.values():
            shown = read(calendar, END)
            held = [each.start for each in shown if not each.cancelled]
            assert (held, [each.start for each in shown if each.cancelled]) == told, path
    assert instants(await whole_feed(client)) == told


async def test_a_page_of_the_feed_leads_to_earlier_changes(
    client: httpx.AsyncClient, lived: LongRun
) -> None:
    first = ET.fromstring((await client.get("/v1/feed.atom?lang=en")).content)  # noqa: S314 - ours
    assert len(first.findall(f"{ATOM}entry")) == 100
    following = links_of(first)["next"]
    assert following.startswith(f"{ORIGIN}/v1/feed.atom?lang=en&cursor=")
    everything = await whole_feed(client)
    assert len({each.id for each in everything}) == len(everything) == 123
    refused = await client.get("/v1/feed.atom?cursor=abc")
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/invalid-cursor")


async def test_who_has_it_already_is_told_so(client: httpx.AsyncClient, lived: LongRun) -> None:
    types = {
        f"/v1/series/{lived.series}/calendar.ics": "text/calendar; charset=utf-8",
        "/v1/calendar.ics": "text/calendar; charset=utf-8",
        "/v1/feed.atom": "application/atom+xml; charset=utf-8",
    }
    for path, content_type in types.items():
        answer = await client.get(path)
        assert answer.headers["content-type"] == content_type
        assert answer.headers["cache-control"].startswith("public")
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        english = await client.get(path, headers={"Accept-Language": "en"})
        assert english.headers["etag"] != answer.headers["etag"]
        named = await client.get(path, params={"lang": "en"})
        assert named.headers["etag"] != answer.headers["etag"]


async def test_one_gathering_has_a_calendar_of_its_own(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    series = uuid4()
    await put(client, hers, body(timeZone="Europe/Berlin"), series)
    items = (await client.get("/v1/occurrences", params={"series": str(series)})).json()["items"]
    answer = await client.get(f"/v1/occurrences/{items[0]['id']}/calendar.ics?lang=en")
    [shown] = by_ical_js(answer.content, END)
    assert shown.start == datetime.fromisoformat(items[0]["startsAt"])
    assert shown.uid == f"{items[0]['id']}@exit10"
    assert shown.title == FRIDAYS["texts"]["en"]["title"]
    assert f"URL:{ORIGIN}/#occurrence={items[0]['id']}" in answer.text.replace("\r\n ", "")


@pytest.mark.parametrize("path", ["series", "occurrences"])
async def test_there_is_no_calendar_of_what_is_not_there(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(f"/v1/{path}/{uuid4()}/calendar.ics")).status_code == 404


async def test_a_draft_is_in_no_calendar_and_no_feed(
    client: httpx.AsyncClient, hers: dict[str, str]
) -> None:
    draft = uuid4()
    await put(client, hers, body(state="draft"), draft)
    assert (await client.get(f"/v1/series/{draft}/calendar.ics")).status_code == 404
    assert str(draft) not in (await client.get("/v1/calendar.ics")).text


async def test_a_cancelled_friday_says_why_in_calendar_and_feed(
    client: httpx.AsyncClient, hers: dict[str, str], agree: Agree, clock: SetClock
) -> None:
    series = uuid4()
    await put(client, hers, FRIDAYS, series)
    items = (await client.get("/v1/occurrences", params={"series": str(series)})).json()["items"]
    path = f"/v1/occurrences/{items[1]['id']}"
    before = {each.id: each for each in await whole_feed(client, "/v1/feed.atom?lang=en")}
    clock.forward(hours=1)
    await agree(
        await client.put(
            f"{path}/cancellation",
            json={"reason": {"ko": "폭우", "en": "Heavy rain <is> forecast & likely"}},
            headers={**hers, **await etag(client, path)},
        )
    )
    after = {each.id: each for each in await whole_feed(client, "/v1/feed.atom?lang=en")}
    [changed] = [each for id, each in after.items() if before.get(id) != each]
    assert changed.id == f"urn:uuid:{items[1]['id']}"
    assert changed.terms == ["rally", "cancelled"]
    assert changed.title.startswith("[Cancelled] ")
    assert changed.text.startswith("Heavy rain <is> forecast & likely\n\n")
    assert changed.updated - before[changed.id].updated == timedelta(hours=1)
    assert changed.links["alternate"] == f"{ORIGIN}/#occurrence={items[1]['id']}"
    calendar = (await client.get(changed.links["related"])).text.replace("\r\n ", "")
    assert "STATUS:CANCELLED" in calendar
    assert "DESCRIPTION;LANGUAGE=ko:폭우" in calendar


async def test_who_read_of_a_friday_that_was_removed_reads_that_it_is_off(
    client: httpx.AsyncClient, hers: dict[str, str], agree: Agree, clock: SetClock
) -> None:
    series = uuid4()
    await put(client, hers, FRIDAYS, series)
    items = (await client.get("/v1/occurrences", params={"series": str(series)})).json()["items"]
    path, day = f"/v1/series/{series}", items[2]["startsAt"][:10]
    headers = {**hers, **await etag(client, path)}
    await agree(await client.delete(f"{path}/dates/{day}", headers=headers))
    told = {each.id: each for each in await whole_feed(client)}
    removed = told[f"urn:uuid:{items[2]['id']}"]
    assert removed.title.startswith("[취소] ")
    assert "cancelled" in removed.terms
    calendar = (await client.get(f"{path}/calendar.ics")).text
    assert f"EXDATE;TZID=Asia/Seoul:{day.replace('-', '')}T190000" in calendar


async def test_an_alert_is_in_the_feed_once_it_goes_out(
    client: httpx.AsyncClient,
    hers: dict[str, str],
    organiser: MakeOrganiser,
    owner: asyncpg.Connection,
    clock: SetClock,
) -> None:
    series, alert = uuid4(), uuid4()
    await put(client, hers, FRIDAYS, series)
    items = (await client.get("/v1/occurrences", params={"series": str(series)})).json()["items"]
    content: dict[str, Any] = {"occurrence": items[0]["id"], "kind": "change", "texts": TEXTS}
    made = await client.put(f"/v1/alerts/{alert}", json=content, headers=hers)
    assert made.status_code == 201, made.text
    approved = await client.put(
        f"/v1/alerts/{alert}/approval", headers=(await organiser("organiser")).headers
    )
    assert approved.json()["state"] == "approved"
    assert alert.urn not in [each.id for each in await whole_feed(client)]
    await owner.execute("update alert set state = 'sent' where id = $1", alert)
    told = {each.id: each for each in await whole_feed(client, "/v1/feed.atom?lang=en")}
    entry = told[alert.urn]
    assert (entry.title, entry.text) == (TEXTS["en"]["title"], TEXTS["en"]["body"])
    assert (entry.terms, entry.updated) == (["alert", "change"], clock())
    assert entry.links["alternate"] == f"{ORIGIN}/#occurrence={items[0]['id']}"
