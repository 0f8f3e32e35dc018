"""Organisers make and change series; two of them cannot overwrite each other."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend.core.tokens import new_token
from tests.events.gatherings import FRIDAYS, Agree, body, put
from tests.support.clock import SetClock


async def fridays_of(
    client: httpx.AsyncClient, series: UUID, *, state: str | None = None
) -> list[str]:
    """Starts of the first occurrences of a series from now on."""
    span = {"from": "2024-08-01T00:00:00Z", "series": str(series)}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    if state == "held":
        return [each["startsAt"] for each in items if each["state"] != "cancelled"]
    return [each["startsAt"] for each in items if state is None or each["state"] == state]


async def test_an_organiser_schedules_every_friday(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    made = await put(client, hers, FRIDAYS, series)
    assert made.status_code == 201
    line = {"root": str(series), "continues": None, "endsBefore": None, "removedDates": []}
    assert made.json() == {**FRIDAYS, **line, "id": str(series), "version": 1}
    seen = await client.get(f"/v1/series/{series}")
    assert (seen.json(), seen.headers["etag"]) == (made.json(), made.headers["etag"])
    assert (await fridays_of(client, series))[:2] == [
        "2024-08-30T19:00:00+09:00",
        "2024-09-06T19:00:00+09:00",
    ]


async def test_the_same_request_again_changes_nothing(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    again = await put(client, hers, body(rrule="BYDAY=FR;FREQ=WEEKLY"), series)
    late = await put(client, hers, FRIDAYS, series, if_match='"seen-before-that"')
    assert (first.status_code, again.status_code, late.status_code) == (201, 200, 200)
    assert first.content == again.content == late.content


async def test_a_change_names_the_version_that_it_is_based_on(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    vigil, march = body(kind="vigil"), body(kind="march")
    blind = await put(client, hers, vigil, series)
    assert (blind.status_code, blind.json()["type"]) == (428, "/problems/precondition-needed")
    hers_in = await put(client, hers, vigil, series, if_match=first.headers["etag"])
    assert (hers_in.status_code, hers_in.json()["version"]) == (200, 2)
    other = await put(client, hers, march, series, if_match=first.headers["etag"])
    assert (other.status_code, other.json()["type"]) == (412, "/problems/changed-meanwhile")
    whatever = await put(client, hers, march, series, if_match=f'"x", {hers_in.headers["etag"]}')
    assert (whatever.status_code, whatever.json()["kind"]) == (200, "march")


async def test_a_request_that_arrives_five_times_at_once_makes_one_series(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    answers = await asyncio.gather(*(put(client, hers, FRIDAYS, series) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.content for each in answers}) == 1


async def test_of_two_organisers_who_change_a_series_at_once_one_is_told(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    tag = (await put(client, hers, FRIDAYS, series)).headers["etag"]
    vigil, march = body(kind="vigil"), body(kind="march")
    answers = await asyncio.gather(
        *(put(client, hers, plan, series, if_match=tag) for plan in (vigil, march))
    )
    assert sorted(each.status_code for each in answers) == [200, 412]


async def test_a_change_of_what_is_not_there_fails(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    assert (await put(client, hers, FRIDAYS, if_match="*")).status_code == 412


async def test_a_gathering_keeps_its_id_on_a_new_hour(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    span = {"series": str(series), "from": "2024-08-01T00:00:00Z"}
    before = (await client.get("/v1/occurrences", params=span)).json()["items"]
    later = body(startsLocal="2024-08-30T19:30:00", durationMinutes=90)
    assert (
        await put(client, hers, later, series, if_match=first.headers["etag"])
    ).status_code == 200
    after = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert [each["id"] for each in after] == [each["id"] for each in before]
    assert after[0]["startsAt"] == "2024-08-30T19:00:00+09:00", "what was held stays as it was"
    assert after[1]["startsAt"] == "2024-09-06T19:30:00+09:00"
    assert after[1]["endsAt"] == "2024-09-06T21:00:00+09:00"


async def test_fridays_that_the_rule_no_longer_makes_are_cancelled_and_come_back_with_it(
    client: httpx.AsyncClient, hers: dict[str, str], agree: Agree, clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    saturdays = body(startsLocal="2024-09-07T14:00:00", rrule="FREQ=WEEKLY;BYDAY=SA")
    await agree(await put(client, hers, saturdays, series, if_match=first.headers["etag"]))
    second = await client.get(f"/v1/series/{series}")
    assert (await fridays_of(client, series, state="held"))[:3] == [
        "2024-08-30T19:00:00+09:00",
        "2024-09-07T14:00:00+09:00",
        "2024-09-14T14:00:00+09:00",
    ]
    assert (await fridays_of(client, series, state="cancelled"))[0] == "2024-09-06T19:00:00+09:00"
    await agree(await put(client, hers, FRIDAYS, series, if_match=second.headers["etag"]))
    assert (await fridays_of(client, series, state="held"))[:3] == [
        "2024-08-30T19:00:00+09:00",
        "2024-09-06T19:00:00+09:00",
        "2024-09-13T19:00:00+09:00",
    ]
    assert (await fridays_of(client, series, state="cancelled"))[0] == "2024-09-07T14:00:00+09:00"


async def test_a_gathering_that_has_begun_is_not_moved(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    clock.set(datetime(2024, 9, 6, 10, 30, tzinfo=UTC))
    await put(
        client,
        hers,
        body(startsLocal="2024-08-30T20:00:00"),
        series,
        if_match=first.headers["etag"],
    )
    assert (await fridays_of(client, series))[:3] == [
        "2024-08-30T19:00:00+09:00",
        "2024-09-06T19:00:00+09:00",
        "2024-09-13T20:00:00+09:00",
    ]


async def test_a_series_that_ended_has_no_gatherings_ahead(
    client: httpx.AsyncClient, hers: dict[str, str], agree: Agree, clock: SetClock
) -> None:
    series = uuid4()
    first = await put(client, hers, FRIDAYS, series)
    proposed = await put(client, hers, body(state="ended"), series, if_match=first.headers["etag"])
    assert len(await fridays_of(client, series, state="held")) > 1, "not before others agree"
    await agree(proposed)
    assert (await client.get(f"/v1/series/{series}")).json()["state"] == "ended"
    assert await fridays_of(client, series, state="held") == ["2024-08-30T19:00:00+09:00"]


async def test_a_draft_is_nobody_s_business_until_it_is_published(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    draft = await put(client, hers, body(state="draft"), series)
    assert draft.status_code == 201
    assert (await client.get(f"/v1/series/{series}")).status_code == 404
    assert str(series) not in (await client.get("/v1/series")).text
    assert await fridays_of(client, series) == []
    published = await put(client, hers, FRIDAYS, series, if_match=draft.headers["etag"])
    assert len(await fridays_of(client, series)) > 5
    hidden = await put(
        client, hers, body(state="draft"), series, if_match=published.headers["etag"]
    )
    assert (hidden.status_code, hidden.json()["type"]) == (409, "/problems/published")


async def test_a_gathering_far_ahead_is_there_as_soon_as_it_is_scheduled(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    await put(client, hers, body(startsLocal="2026-09-04T19:00:00"), series)
    span = {"series": str(series), "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert items[0]["startsAt"] == "2026-09-04T19:00:00+09:00"


@pytest.mark.parametrize(
    ("rrule", "slug"),
    [
        ("FREQ=SECONDLY", "rule-refused"),
        ("FREQ=WEEKLY;COUNT=1000000000", "rule-refused"),
        ("FREQ=WEEKLY;UNTIL=20261231T150000", "rule-refused"),
        ("FREQ=WEEKLY;BYDAY=NEVER", "rule-refused"),
        ("FREQ=WEEKLY;BYDAY=SA", "start-outside-rule"),
    ],
)
async def test_61_a_wrong_rule_is_a_problem_that_echoes_nothing(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock, rrule: str, slug: str
) -> None:
    answer = await put(client, hers, body(rrule=rrule))
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")
    assert rrule not in answer.text
    assert (await put(client, hers, FRIDAYS)).status_code == 201, "the next request is served"


async def test_61_a_rule_that_would_fill_the_database_is_refused(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    daily = body(startsLocal="2001-01-01T19:00:00", rrule="FREQ=DAILY")
    answer = await put(client, hers, daily)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-many-occurrences")


async def test_62_a_start_in_the_hour_that_the_clocks_skip_is_held(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    night = body(startsLocal="2025-03-30T02:30:00", timeZone="Europe/Berlin", rrule=None)
    await put(client, hers, night, series)
    span = {"series": str(series), "from": "2025-03-01T00:00:00Z"}
    items = (await client.get("/v1/occurrences", params=span)).json()["items"]
    assert [each["startsAt"] for each in items] == ["2025-03-30T03:30:00+02:00"]


TEXT = FRIDAYS["texts"]["ko"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"phone": "010-0000-0000"}, ""),
        ({"email": "a@rally.example"}, ""),
        ({"lat": 37.4979}, ""),
        ({"texts": {"ko": {**TEXT, "phone": "010-0000-0000"}}}, "/texts/*"),
        ({"texts": {}}, "/texts"),
        ({"texts": {"한국어": TEXT}}, None),
        ({"texts": {"ko": {**TEXT, "title": " "}}}, "/texts/*"),
        ({"texts": {"ko": {**TEXT, "title": "강남\u202e역"}}}, "/texts/*"),
        ({"texts": {"ko": {**TEXT, "title": "강" * 121}}}, "/texts/*/title"),
        ({"kind": "party"}, "/kind"),
        ({"startsLocal": "2024-08-30T19:00:00+09:00"}, "/startsLocal"),
        ({"startsLocal": "2024-08-30T19:00:30"}, ""),
        ({"startsLocal": "1824-08-30T19:00:00"}, ""),
        ({"durationMinutes": 0}, "/durationMinutes"),
        ({"durationMinutes": 1e400}, None),
        ({"timeZone": "../../etc/passwd"}, "/timeZone"),
        ({"place": "Gangnam Station"}, "/place"),
        ({"reminderMinutes": [120, 120]}, ""),
        ({"reminderMinutes": [-5]}, "/reminderMinutes/0"),
        ({"state": "cancelled"}, "/state"),
    ],
)
async def test_55_a_field_that_has_no_place_in_a_series_is_refused(
    client: httpx.AsyncClient,
    hers: dict[str, str],
    clock: SetClock,
    changes: dict[str, Any],
    pointer: str | None,
) -> None:
    answer = await put(client, hers, body(**changes))
    assert answer.status_code == 400
    assert "010-0000" not in answer.text
    assert "phone" not in answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"].rstrip("/") == pointer


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"place": "my-flat"}, "unknown-place"),
        ({"timeZone": "Asia/Gangnam"}, "unknown-time-zone"),
    ],
)
async def test_a_place_or_zone_that_nobody_knows_is_refused(
    client: httpx.AsyncClient,
    hers: dict[str, str],
    clock: SetClock,
    changes: dict[str, Any],
    slug: str,
) -> None:
    answer = await put(client, hers, body(**changes))
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")


async def test_nobody_without_a_token_schedules_anything(
    client: httpx.AsyncClient, clock: SetClock
) -> None:
    assert (await put(client, {}, FRIDAYS)).status_code == 401
    stranger = {"Authorization": f"Bearer {new_token()}"}
    assert (await put(client, stranger, FRIDAYS)).status_code == 401


async def test_the_list_of_series_is_paged_by_id(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    made = {str(uuid4()) for _ in range(60)}
    for series in made:
        await put(client, hers, body(rrule=None), UUID(series))
    first = (await client.get("/v1/series")).json()
    second = (await client.get("/v1/series", params={"cursor": first["nextCursor"]})).json()
    ids = [each["id"] for page in (first, second) for each in page["items"]]
    assert len(first["items"]) == 50
    assert ids == sorted(set(ids))
    assert made <= set(ids) or second["nextCursor"]
