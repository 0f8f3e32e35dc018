"""Anybody reads when and where people gather, in her language, without leaving a trace."""

from datetime import UTC, datetime
from uuid import UUID, uuid4, uuid5

import httpx
import pytest

from backend.events.jobs import materialise_all
from backend.events.service import EventService
from tests.conftest import MakeOrganiser
from tests.events.gatherings import FRIDAYS, body, put
from tests.support.clock import MONDAY_NOON_IN_SEOUL, SetClock

SERIES = UUID("20240830-0000-8000-8000-000000000001")
MONTHLY = UUID("20240830-0000-8000-8000-000000000002")
NEXT_FRIDAY = uuid5(SERIES, "2024-09-06")


@pytest.fixture(scope="module", autouse=True)
async def gatherings(
    client: httpx.AsyncClient, organiser: MakeOrganiser, module_clock: SetClock
) -> None:
    """Every Friday at Exit 10, and two meetings at once in Korean only."""
    module_clock.set(MONDAY_NOON_IN_SEOUL)
    headers = (await organiser("admin")).headers
    meeting = body(
        kind="meeting",
        texts={"ko": FRIDAYS["texts"]["ko"]},
        place="bosingak",
        startsLocal="2024-09-06T19:00:00",
        rrule="FREQ=MONTHLY;BYDAY=1FR",
    )
    for series, plan in ((SERIES, FRIDAYS), (MONTHLY, meeting)):
        assert (await put(client, headers, plan, series)).status_code == 201


async def test_the_next_gatherings_are_listed_with_place_and_offset(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    page = (await client.get("/v1/occurrences", params={"series": str(SERIES)})).json()
    assert page["nextCursor"] is None
    assert page["items"][0] == {
        "id": str(NEXT_FRIDAY),
        "series": str(SERIES),
        "root": str(SERIES),
        "kind": "rally",
        "state": "scheduled",
        "reason": None,
        "startsAt": "2024-09-06T19:00:00+09:00",
        "endsAt": "2024-09-06T21:00:00+09:00",
        "timeZone": "Asia/Seoul",
        "lang": "ko",
        **{key: FRIDAYS["texts"]["ko"][key] for key in ("title", "summary", "meetingPoint")},
        "place": {
            "id": "gangnam-station-exit-10",
            "names": {"ko": "강남역 10번 출구", "en": "Gangnam Station, Exit 10"},
            "latitude": 37.4979,
            "longitude": 127.0276,
            "approximate": True,
        },
    }
    assert len(page["items"]) == 8, "sixty days hold eight Fridays"


async def test_a_gathering_is_listed_until_six_hours_after_it_began(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    for hour, listed in ((15, True), (16, True), (17, False)):
        clock.set(datetime(2024, 9, 6, hour, tzinfo=UTC))
        assert (str(NEXT_FRIDAY) in (await client.get("/v1/occurrences")).text) is listed


async def test_gatherings_that_start_at_once_have_an_order(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    items = (await client.get("/v1/occurrences")).json()["items"]
    places = [(each["startsAt"], each["id"]) for each in items]
    assert places == sorted(places)
    assert len({start for start, _ in places}) < len(places)


async def test_from_is_within_the_span_and_to_is_not(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    span = {
        "from": "2024-09-06T10:00:00Z",
        "to": "2024-09-13T19:00:00+09:00",
        "series": str(SERIES),
    }
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert [each["id"] for each in items] == [str(NEXT_FRIDAY)]


async def test_pages_follow_each_other_without_gap_or_repetition(
    client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock
) -> None:
    series = uuid4()
    daily = body(startsLocal="2030-01-01T08:00:00", rrule="FREQ=DAILY;COUNT=120")
    await put(client, (await organiser("admin")).headers, daily, series)
    span = {"from": "2029-12-01T00:00:00Z", "to": "2031-01-01T00:00:00Z", "series": str(series)}
    seen: list[str] = []
    pages: list[int] = []
    cursor: dict[str, str] = {}
    while not pages or cursor:
        page = (await client.get("/v1/occurrences", params={**span, **cursor})).json()
        seen += [each["startsAt"] for each in page["items"]]
        pages.append(len(page["items"]))
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
    assert pages == [50, 50, 20]
    assert len(set(seen)) == 120
    assert seen == sorted(seen)


@pytest.mark.parametrize("cursor", ["", "x", "e30", "WyJub3ciXQ", "강", "W10", "A" * 257, "bnVsbA"])
@pytest.mark.parametrize("path", ["/v1/occurrences", "/v1/series"])
async def test_a_cursor_that_no_page_gave_out_is_refused(
    client: httpx.AsyncClient, clock: SetClock, path: str, cursor: str
) -> None:
    answer = await client.get(path, params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["type"] in {"/problems/invalid-cursor", "/problems/invalid-parameter"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from", "yesterday"),
        ("from", "2024-09-06"),
        ("from", "2024-09-06T10:00:00"),
        ("to", "1725000000"),
        ("to", "2024-13-06T10:00:00Z"),
        ("to", "9" * 41),
        ("series", "friday"),
        ("lang", "korean"),
        ("lang", "../ko"),
    ],
)
async def test_a_parameter_that_means_nothing_is_refused(
    client: httpx.AsyncClient, clock: SetClock, name: str, value: str
) -> None:
    answer = await client.get("/v1/occurrences", params={name: value})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-parameter")
    assert value not in answer.text


@pytest.mark.parametrize(
    "span",
    [
        {"from": "0001-01-01T00:00:00+14:00"},
        {"from": "9999-12-31T23:59:59-14:00"},
        {"to": "0001-01-01T00:00:00+14:00"},
        {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"},
    ],
)
async def test_the_ends_of_time_upset_nobody(
    client: httpx.AsyncClient, clock: SetClock, span: dict[str, str]
) -> None:
    assert (await client.get("/v1/occurrences", params=span)).status_code == 200


@pytest.mark.parametrize(
    ("lang", "accept", "told"),
    [
        (None, None, "ko"),
        (None, "en", "en"),
        (None, "fr, en-GB;q=0.8, ko;q=0.5", "en"),
        (None, "fr", "ko"),
        (None, ";;q=x,,*", "ko"),
        ("en", "ko", "en"),
        ("fr", "en", "ko"),
    ],
)
async def test_a_gathering_is_told_in_the_language_that_suits(
    client: httpx.AsyncClient, clock: SetClock, lang: str | None, accept: str | None, told: str
) -> None:
    answer = await client.get(
        f"/v1/occurrences/{NEXT_FRIDAY}",
        params={"lang": lang} if lang else {},
        headers={"Accept-Language": accept} if accept else {"Accept-Language": ""},
    )
    gathering = answer.json()
    assert gathering["lang"] == told
    assert gathering["title"] == FRIDAYS["texts"][told]["title"]
    assert list(gathering["texts"]) == ["ko", "en"]
    assert gathering["texts"] == FRIDAYS["texts"]
    assert answer.headers["vary"] == "Accept-Language"


async def test_a_language_that_a_gathering_lacks_is_replaced_and_said_so(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    params = {"series": str(MONTHLY), "lang": "en"}
    items = (await client.get("/v1/occurrences", params=params)).json()["items"]
    assert {each["lang"] for each in items} == {"ko"}


@pytest.mark.parametrize(
    "path",
    ["/v1/occurrences", f"/v1/occurrences/{NEXT_FRIDAY}", "/v1/series", f"/v1/series/{SERIES}"],
)
async def test_a_phone_that_has_the_answer_gets_a_304_until_it_changes(
    client: httpx.AsyncClient, clock: SetClock, path: str
) -> None:
    first = await client.get(path)
    clock.forward(minutes=1)
    condition = {"If-None-Match": f'"another", W/{first.headers["etag"]}'}
    again = await client.get(path, headers=condition)
    english = await client.get(path, headers={**condition, "Accept-Language": "en"})
    assert first.headers["cache-control"].startswith("public, max-age=30")
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert english.status_code == (304 if "series" in path else 200)


async def test_a_gathering_that_nobody_scheduled_is_not_there(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    for path in (f"/v1/occurrences/{uuid4()}", f"/v1/series/{uuid4()}", "/v1/occurrences/friday"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_the_worker_keeps_half_a_year_of_fridays_ahead(
    client: httpx.AsyncClient, events: EventService, clock: SetClock
) -> None:
    assert await materialise_all(events) == 0
    clock.forward(weeks=10)
    assert await materialise_all(events) == 12, "ten Fridays and two first Fridays"
    assert await materialise_all(events) == 0
    span = {"series": str(SERIES), "from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert items[-1]["startsAt"] == "2025-05-09T19:00:00+09:00"


async def test_a_worker_that_was_away_for_a_year_leaves_no_gap(
    client: httpx.AsyncClient, events: EventService, clock: SetClock
) -> None:
    clock.forward(weeks=70)
    await materialise_all(events)
    span = {"series": str(SERIES), "from": "2025-08-01T00:00:00Z", "to": "2025-09-01T00:00:00Z"}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert len(items) == 5
