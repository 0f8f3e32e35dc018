"""Organisers note what was filed, and see this week what is to be filed. Nobody is named."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.conftest import MakeOrganiser
from tests.events.gatherings import body, put
from tests.notices.conftest import Series, call_off
from tests.support.clock import SetClock
from tests.support.http import slug

FILED = {"state": "filed", "filedAt": "2024-09-02T11:30:00+09:00", "marshals": 20}


async def noted(
    series: Series, occurrence: str, record: dict[str, Any], if_match: str | None = "*"
) -> httpx.Response:
    """Note something of a gathering's notice."""
    condition = {} if if_match is None else {"If-Match": if_match}
    return await series.client.put(
        f"/v1/occurrences/{occurrence}/notice",
        json=record,
        headers={**series.headers, **condition},
    )


async def shown(series: Series, occurrence: str) -> httpx.Response:
    """The notice of a gathering as organisers see it."""
    return await series.client.get(f"/v1/occurrences/{occurrence}/notice", headers=series.headers)


async def week(series: Series, name: str | None = None, lang: str = "en") -> dict[str, Any]:
    """A week's notices, of one series."""
    params = {"lang": lang, **({} if name is None else {"week": name})}
    answer = await series.client.get("/v1/notices", params=params, headers=series.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    told["items"] = [each for each in told["items"] if each["series"] == str(series.id)]
    mine = {each["occurrence"] for each in told["items"]}
    told["due"] = [each for each in told["due"] if each["occurrence"] in mine]
    return told


def at(notice: dict[str, Any], step: str) -> dict[str, Any]:
    """One step of a notice."""
    return next(each for each in notice["deadlines"] if each["step"] == step)


async def test_a_friday_s_notice_is_open_until_its_wednesday(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    notice = (await shown(fridays, friday)).json()
    assert notice["state"] == "open"
    assert (notice["jurisdiction"], notice["office"]) == ("kr", "police-station")
    assert at(notice, "file-from")["at"] == "2024-08-07T19:00:00+09:00"
    assert at(notice, "file-by") == {
        "step": "file-by",
        "article": "6①",
        "by": "organiser",
        "at": "2024-09-04T19:00:00+09:00",
        "happenedAt": None,
        "inTime": None,
        "pending": True,
        "remindedAt": None,
    }
    assert notice["record"] == {**dict.fromkeys(notice["record"]), "state": "unfiled"} | {
        "stations": 1,
        "rivalBanned": False,
    }


async def test_what_was_filed_is_noted_with_the_number_of_marshals(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    before = await shown(fridays, friday)
    answer = await noted(fridays, friday, FILED, before.headers["etag"])
    assert answer.status_code == 200, answer.text
    notice = answer.json()
    assert (notice["state"], notice["covers"], notice["version"]) == ("filed", True, 1)
    assert notice["filedFor"] == "2024-09-06T19:00:00+09:00"
    assert at(notice, "correction-demand")["at"] == "2024-09-02T23:30:00+09:00"
    assert at(notice, "ban")["at"] == "2024-09-04T11:30:00+09:00"
    after = await shown(fridays, friday)
    assert after.json() == notice
    assert after.headers["etag"] == answer.headers["etag"] != before.headers["etag"]
    assert after.headers["cache-control"] == "no-store"


async def test_the_same_note_again_changes_nothing(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    first = await noted(fridays, friday, FILED)
    again = await noted(
        fridays, friday, {**FILED, "filedAt": "2024-09-02T02:30:00Z"}, if_match=None
    )
    assert (again.status_code, again.content) == (200, first.content)


async def test_a_change_names_the_notice_that_it_is_based_on(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    assert slug(await noted(fridays, friday, FILED, if_match=None)) == "precondition-needed"
    assert slug(await noted(fridays, friday, FILED, if_match='"other"')) == "changed-meanwhile"


async def test_of_two_who_note_at_once_one_is_told(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    for records in (
        [FILED, {**FILED, "marshals": 21}],
        [{**FILED, "marshals": 22}, {**FILED, "marshals": 23}],
    ):
        tag = (await shown(fridays, friday)).headers["etag"]
        answers = await asyncio.gather(*(noted(fridays, friday, each, tag) for each in records))
        assert sorted(each.status_code for each in answers) == [200, 412]


async def test_a_gathering_that_was_moved_meanwhile_is_looked_at_again(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-13")
    tag = (await shown(fridays, friday)).headers["etag"]
    await fridays.change(startsLocal="2024-08-30T20:00:00")
    assert slug(await noted(fridays, friday, FILED, tag)) == "changed-meanwhile"


async def test_a_friday_that_moves_after_filing_is_to_be_filed_again(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-13")
    await noted(fridays, friday, FILED)
    await fridays.change(startsLocal="2024-08-30T20:00:00")
    notice = (await shown(fridays, friday)).json()
    assert (notice["state"], notice["covers"]) == ("filed", False)
    assert notice["filedFor"] == "2024-09-13T19:00:00+09:00"
    assert [each["step"] for each in notice["deadlines"] if each["pending"]] == [
        "file-by",
        "withdrawal",
    ]


async def test_a_friday_that_is_called_off_is_to_be_withdrawn(
    fridays: Series, owner: asyncpg.Connection
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    await noted(fridays, friday, FILED)
    await call_off(owner, friday)
    notice = (await shown(fridays, friday)).json()
    assert (notice["calledOff"], at(notice, "withdrawal")["pending"]) == (True, True)
    assert at(notice, "withdrawal")["at"] == "2024-09-05T19:00:00+09:00"
    due = [each for each in (await week(fridays))["due"] if each["occurrence"] == friday]
    assert [(each["step"], each["must"]) for each in due] == [("withdrawal", True)]


async def test_the_way_from_a_ban_to_a_ruling(fridays: Series, clock: SetClock) -> None:
    friday = await fridays.occurrence("2024-09-13")
    banned = {**FILED, "state": "banned", "measure": "ban", "bannedAt": "2024-09-03T10:00:00+09:00"}
    objected = {**banned, "state": "objected", "objectedAt": "2024-09-03T12:00:00+09:00"}
    clock.set(datetime(2024, 9, 3, 4, 0, tzinfo=UTC))
    assert slug(await noted(fridays, friday, banned)) == "state-cannot-follow"
    await noted(fridays, friday, FILED)
    assert slug(await noted(fridays, friday, objected)) == "state-cannot-follow"
    notice = (await noted(fridays, friday, banned)).json()
    assert at(notice, "objection")["at"] == "2024-09-13T23:59:00+09:00"
    notice = (await noted(fridays, friday, objected)).json()
    assert at(notice, "ruling")["at"] == "2024-09-04T12:00:00+09:00"
    assert not notice["banLapsed"]
    clock.set(datetime(2024, 9, 4, 3, 1, tzinfo=UTC))
    assert (await shown(fridays, friday)).json()["banLapsed"]


async def test_two_stations_and_a_banned_rival_are_noted(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    rival = {**FILED, "stations": 2, "rivalBanned": True}
    notice = (await noted(fridays, friday, rival)).json()
    assert notice["office"] == "provincial-police"
    assert at(notice, "holding-report")["pending"]
    assert at(notice, "holding-report")["at"] == "2024-09-06T18:00:00+09:00"


async def test_an_exempt_gathering_says_why(fridays: Series) -> None:
    friday = await fridays.occurrence("2024-09-06")
    notice = (await noted(fridays, friday, {"state": "exempt", "exemption": "arts"})).json()
    assert (notice["state"], notice["exemption"]) == ("exempt", "arts")
    taken_back = (await noted(fridays, friday, {"state": "unfiled"})).json()
    assert (taken_back["state"], taken_back["exemption"]) == ("open", None)


async def test_a_press_briefing_needs_none_unless_its_organisers_file_one(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    made = await put(client, hers, body(kind="press-briefing"), series)
    briefing = Series(client, hers, series, made.headers["etag"])
    occurrence = await briefing.occurrence("2024-09-06")
    notice = (await shown(briefing, occurrence)).json()
    assert (notice["state"], notice["exemption"]) == ("exempt", "press-briefing")
    assert (await noted(briefing, occurrence, FILED)).json()["state"] == "filed"


async def test_elsewhere_nothing_is_due_and_nothing_is_noted(
    client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock
) -> None:
    series = uuid4()
    made = await put(client, hers, body(timeZone="Europe/Berlin"), series)
    berlin = Series(client, hers, series, made.headers["etag"])
    occurrence = await berlin.occurrence("2024-09-06")
    notice = (await shown(berlin, occurrence)).json()
    assert (notice["jurisdiction"], notice["state"]) == ("none", "not-due")
    assert (notice["deadlines"], notice["office"]) == ([], None)
    assert slug(await noted(berlin, occurrence, FILED)) == "no-notice-here"
    assert (await week(berlin))["items"] == []


async def test_this_week_one_friday_must_be_filed_and_the_next_ones_can_be(
    fridays: Series,
) -> None:
    told = await week(fridays)
    assert told["week"] == "2024-W36"
    assert [(each["at"], each["must"]) for each in told["due"]] == [
        ("2024-09-04T19:00:00+09:00", True),
        ("2024-09-11T19:00:00+09:00", False),
        ("2024-09-18T19:00:00+09:00", False),
        ("2024-09-25T19:00:00+09:00", False),
        ("2024-10-02T19:00:00+09:00", False),
    ]
    assert {each["step"] for each in told["due"]} == {"file-by"}
    assert told["items"][0]["title"] == (await week(fridays, lang="en"))["items"][0]["title"]
    assert told["items"][0]["lang"] == "en"


async def test_several_fridays_are_filed_at_once(fridays: Series) -> None:
    days = ["2024-09-06", "2024-09-13", "2024-09-20", "2024-09-27"]
    for day in days:
        answer = await noted(fridays, await fridays.occurrence(day), FILED)
        assert answer.status_code == 200
    told = await week(fridays)
    assert [each["at"] for each in told["due"]] == ["2024-10-02T19:00:00+09:00"]
    this_friday = [each for each in told["items"] if each["startsAt"].startswith("2024-09-06")]
    assert this_friday[0]["state"] == "filed"


async def test_a_later_week_is_asked_for_by_name(fridays: Series) -> None:
    told = await week(fridays, "2024-W41")
    assert told["week"] == "2024-W41"
    assert [each["at"] for each in told["due"] if each["must"]][-1] == "2024-10-09T19:00:00+09:00"


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("2024-W53", 422, "no-such-week"),
        ("2024-W54", 400, "invalid-parameter"),
        ("next", 400, "invalid-parameter"),
        ("1999-W01", 400, "invalid-parameter"),
    ],
)
async def test_a_week_that_is_none_is_a_problem(
    fridays: Series, name: str, status: int, kind: str
) -> None:
    answer = await fridays.client.get("/v1/notices", params={"week": name}, headers=fridays.headers)
    assert (answer.status_code, slug(answer)) == (status, kind)


@pytest.mark.parametrize(
    "field",
    [
        {"name": "Kim"},
        {"organiser": "Kim"},
        {"organiserName": "Kim"},
        {"contact": "010-0000-0000"},
        {"phone": "010-0000-0000"},
        {"address": "Gangnam-daero"},
        {"occupation": "student"},
        {"marshalNames": ["Kim"]},
        {"note": "Kim"},
        {"marshals": ["Kim"]},
        {"marshals": "Kim"},
        {"marshals": -1},
        {"marshals": 10_001},
        {"stations": 0},
        {"exemption": "Kim"},
        {"measure": "Kim"},
        {"state": "open"},
        {"filedAt": "Kim"},
        {"filedAt": "2024-09-02T11:30:00"},
        {"filedAt": "2024-09-02T11:30:15+09:00"},
    ],
)
async def test_p1_a_name_an_address_or_a_number_to_call_is_refused(
    fridays: Series, field: dict[str, Any]
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    answer = await noted(fridays, friday, {**FILED, **field})
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert "Kim" not in answer.text
    assert "010" not in answer.text
    assert (await shown(fridays, friday)).json()["version"] == 0


async def test_p1_the_tables_have_no_column_that_takes_a_name(
    fridays: Series, owner: asyncpg.Connection
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    await noted(fridays, friday, FILED)
    texts = await owner.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_name in ('notice', 'notice_reminder')"
        " and data_type not in ('uuid', 'integer', 'boolean', 'timestamp with time zone')"
    )
    assert {tuple(each) for each in texts} == {
        ("notice", "state"),
        ("notice", "measure"),
        ("notice", "exemption"),
        ("notice_reminder", "step"),
    }
    for statement in (
        "update notice set state = 'Kim'",
        "update notice set measure = 'Kim', banned_at = now()",
        "update notice set exemption = 'Kim', state = 'exempt'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(statement)


async def test_who_may_read_and_who_may_write(
    fridays: Series, client: httpx.AsyncClient, organiser: MakeOrganiser
) -> None:
    friday = await fridays.occurrence("2024-09-06")
    lead = (await organiser("marshal-lead")).headers
    path = f"/v1/occurrences/{friday}/notice"
    assert (await client.get(path)).status_code == 401
    assert (await client.get("/v1/notices")).status_code == 401
    assert (await client.put(path, json=FILED)).status_code == 401
    assert (await client.get(path, headers=lead)).status_code == 200
    assert (await client.put(path, json=FILED, headers=lead)).status_code == 403


async def test_a_gathering_that_is_none_has_no_notice(fridays: Series) -> None:
    nowhere = str(uuid4())
    assert (await shown(fridays, nowhere)).status_code == 404
    assert (await noted(fridays, nowhere, FILED)).status_code == 404


async def test_the_law_is_everybody_s_to_read(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/jurisdictions")
    korea, none = answer.json()["items"]
    assert (korea["id"], none["id"], none["rules"]) == ("kr", "none", [])
    closes = next(each for each in korea["rules"] if each["step"] == "file-by")
    assert (closes["article"], closes["hours"]) == ("6①", -48)
    again = await client.get("/v1/jurisdictions", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
