"""Calendars open in programs that are not ours, and show what is held and nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from backend.alerts import rules as alert_rules
from backend.events import links
from backend.events.calendar import write_calendar
from backend.events.calendar_model import CalendarOverride, CalendarSeries
from backend.events.friday import scenario
from backend.events.rules import Schedule, expand, occurrence_id, parse_rule
from backend.places.service import PlaceService
from schemas.events import ProgrammeItem
from tests.events.model import instants_by_rule
from tests.events.readers import HERE, READERS, Shown, by_ical_js, by_vobject

ORIGIN = "https://rally.example"
PLACES = PlaceService()
PLAN = scenario("gangnam-friday").plan()
EXIT_10, BOSINGAK = PLACES.get("gangnam-station-exit-10"), PLACES.get("bosingak")
CHANGED = datetime(2024, 8, 26, 3, 0, 5, 123456, tzinfo=UTC)
END_OF_2026 = datetime(2026, 12, 31, tzinfo=UTC)

wall = datetime.fromisoformat
"""A time by the clock on the wall."""

each_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())


def fridays(**changes: Any) -> CalendarSeries:
    """The Fridays at Exit 10, or a series that is held otherwise."""
    id = UUID(int=10)
    series = CalendarSeries(
        id=id,
        uid=f"{id}@exit10",
        kind="rally",
        texts=PLAN.texts,
        place=EXIT_10,
        time_zone="Asia/Seoul",
        starts_local=wall("2024-08-30T19:00"),
        duration=timedelta(hours=2),
        rrule="FREQ=WEEKLY;BYDAY=FR",
        exdates=[],
        overrides=[],
        sequence=3,
        changed_at=CHANGED,
    )
    return msgspec.structs.replace(series, **changes)


def own(series: CalendarSeries, day: date, **changes: Any) -> CalendarOverride:
    """What is different about the gathering of a date."""
    local = datetime.combine(day, series.starts_local.time())
    starts_at = local.replace(tzinfo=ZoneInfo(series.time_zone))
    override = CalendarOverride(
        id=occurrence_id(series.id, day),
        recurrence_id=local,
        starts_at=starts_at,
        ends_at=starts_at + series.duration,
        state="scheduled",
        texts=series.texts,
        place=series.place,
        sequence=2,
        changed_at=CHANGED,
        reason=None,
        added=False,
    )
    return msgspec.structs.replace(override, **changes)


def written(*line: CalendarSeries, lang: str = "ko", name: str | None = None) -> bytes:
    """A calendar in a language."""
    return write_calendar(line, origin=ORIGIN, wanted=(lang,), name=name)


def unfolded(calendar: bytes) -> list[str]:
    """The content lines of a calendar (RFC 5545 section 3.1)."""
    return calendar.decode().replace("\r\n ", "").split("\r\n")


def starts(shown: list[Shown], *, cancelled: bool = False) -> list[datetime]:
    """When what is held, or what is cancelled, begins."""
    return [each.start for each in shown if each.cancelled is cancelled]


@each_reader
def test_every_friday_is_shown_at_its_instant(read: Any) -> None:
    shown = read(written(fridays()), END_OF_2026)
    assert len(shown) == 122
    assert shown[0].start == datetime(2024, 8, 30, 10, tzinfo=UTC)
    assert shown[-1].start == datetime(2026, 12, 25, 10, tzinfo=UTC)
    assert {each.ends_at - each.starts_at for each in shown} == {7200}
    assert {each.title for each in shown} == {PLAN.texts["ko"].title}


@each_reader
def test_a_removed_friday_is_gone_and_a_cancelled_one_says_so(read: Any) -> None:
    removed = wall("2024-09-13T19:00")
    series = fridays(exdates=[removed])
    cancelled = own(series, date(2024, 9, 20), state="cancelled", reason={"ko": "폭우"})
    shown = read(written(msgspec.structs.replace(series, overrides=[cancelled])), END_OF_2026)
    assert (len(starts(shown)), len(starts(shown, cancelled=True))) == (120, 1)
    assert starts(shown, cancelled=True) == [datetime(2024, 9, 20, 10, tzinfo=UTC)]
    assert datetime(2024, 9, 13, 10, tzinfo=UTC) not in starts(shown)


@each_reader
def test_a_moved_friday_is_shown_once_with_its_own_place(read: Any) -> None:
    series, seoul = fridays(), ZoneInfo("Asia/Seoul")
    moved = own(
        series,
        date(2024, 9, 13),
        starts_at=datetime(2024, 9, 14, 18, tzinfo=seoul),
        ends_at=datetime(2024, 9, 14, 21, tzinfo=seoul),
        place=BOSINGAK,
    )
    shown = read(written(msgspec.structs.replace(series, overrides=[moved])), END_OF_2026)
    [there] = [each for each in shown if each.start == datetime(2024, 9, 14, 9, tzinfo=UTC)]
    assert there.place.startswith(BOSINGAK.names["ko"])
    assert there.ends_at - there.starts_at == 3 * 3600
    assert len(shown) == 122
    assert datetime(2024, 9, 13, 10, tzinfo=UTC) not in starts(shown)


@each_reader
def test_an_added_saturday_is_an_event_of_its_own(read: Any) -> None:
    series, saturday = fridays(), date(2025, 3, 8)
    added = own(series, saturday, added=True)
    shown = read(written(msgspec.structs.replace(series, overrides=[added])), END_OF_2026)
    own_uid = f"{occurrence_id(series.id, saturday)}@exit10"
    assert [each.start.date() for each in shown if each.uid == own_uid] == [saturday]
    assert len(shown) == 123


@each_reader
def test_a_series_that_continues_another_begins_where_it_ends(read: Any) -> None:
    first = fridays(rrule="FREQ=WEEKLY;BYDAY=FR;UNTIL=20260227T100000Z")
    id = UUID(int=11)
    second = fridays(id=id, uid=f"{id}@exit10", starts_local=wall("2026-03-06T19:30"))
    shown = read(written(first, second), END_OF_2026)
    assert (starts(shown), []) == instants_by_rule([first, second], END_OF_2026)
    assert len(shown) == 122


@each_reader
def test_a_gathering_that_is_held_once_is_told_as_it_stands(read: Any) -> None:
    once = fridays(rrule=None)
    assert len(read(written(once), END_OF_2026)) == 1
    called_off = own(once, date(2024, 8, 30), state="cancelled", reason={"ko": "폭우"})
    cancelled = msgspec.structs.replace(once, overrides=[called_off])
    [shown] = read(written(cancelled), END_OF_2026)
    assert (shown.cancelled, shown.uid) == (True, once.uid)
    nothing = msgspec.structs.replace(once, exdates=[once.starts_local])
    assert read(written(nothing), END_OF_2026) == []


@each_reader
@pytest.mark.parametrize(
    ("zone", "rule", "starts_local"),
    [
        ("Europe/Berlin", "FREQ=WEEKLY;BYDAY=FR", "2024-08-30T19:00"),
        ("Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU;UNTIL=20260104T013000Z", "2024-09-01T02:30"),
        ("America/New_York", "FREQ=MONTHLY;BYDAY=1SU", "2024-09-01T01:30"),
        ("Asia/Jerusalem", "FREQ=DAILY;COUNT=500", "2024-09-01T02:30"),
        ("Africa/Casablanca", "FREQ=DAILY;COUNT=500", "2024-09-01T20:30"),
        ("Australia/Lord_Howe", "FREQ=DAILY;COUNT=500", "2024-09-01T02:00"),
        ("Asia/Kathmandu", "FREQ=DAILY;INTERVAL=3;COUNT=99", "2024-09-01T00:15"),
        ("UTC", "FREQ=WEEKLY;BYDAY=FR", "2024-08-30T19:00"),
    ],
)
def test_the_hour_on_the_wall_survives_the_clocks_being_set(
    read: Any, zone: str, rule: str, starts_local: str
) -> None:
    local = wall(starts_local)
    series = fridays(time_zone=zone, rrule=rule, starts_local=local)
    held = Schedule(series.id, local, ZoneInfo(zone), series.duration, parse_rule(rule))
    expected = [each.starts_at for each in expand(held, before=END_OF_2026)]
    assert starts(read(written(series), END_OF_2026)) == expected


def test_friday_evening_in_berlin_is_an_hour_later_for_the_world_in_winter() -> None:
    shown = by_ical_js(written(fridays(time_zone="Europe/Berlin")), END_OF_2026)
    hours = {each.start.date(): each.start.hour for each in shown}
    assert (hours[date(2024, 10, 25)], hours[date(2024, 11, 1)]) == (17, 18)
    assert (hours[date(2025, 3, 28)], hours[date(2025, 4, 4)]) == (18, 17)


@budget(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    zone=st.sampled_from(["Asia/Seoul", "Europe/Berlin", "America/Santiago", "Pacific/Apia"]),
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 30]),
    weeks=st.sets(st.integers(0, 60), max_size=12),
    data=st.data(),
)
def test_readers_show_whatever_was_changed(
    zone: str, hour: int, minute: int, weeks: set[int], data: st.DataObject
) -> None:
    plain = fridays(time_zone=zone, starts_local=wall(f"2024-08-30T{hour:02}:{minute:02}"))
    exdates: list[datetime] = []
    overrides: list[CalendarOverride] = []
    for week in sorted(weeks):
        local = plain.starts_local + timedelta(weeks=week)
        what = data.draw(st.sampled_from(["removed", "cancelled", "moved", "added"]))
        if what == "removed":
            exdates.append(local)
        elif what == "cancelled":
            overrides.append(own(plain, local.date(), state="cancelled"))
        elif what == "added":
            overrides.append(own(plain, local.date() + timedelta(days=1), added=True))
        else:
            starts_at = data.draw(st.integers(0, 200_000)) * 60 + 1_725_000_000
            at = datetime.fromtimestamp(starts_at, ZoneInfo(zone))
            overrides.append(
                own(plain, local.date(), starts_at=at, ends_at=at + timedelta(hours=1))
            )
    series = msgspec.structs.replace(plain, exdates=exdates, overrides=overrides)
    before = datetime(2026, 1, 1, tzinfo=UTC)
    by_javascript = by_ical_js(written(series), before)
    told = instants_by_rule([series], before)
    assert (starts(by_javascript), starts(by_javascript, cancelled=True)) == told
    assert by_javascript == by_vobject(written(series), before)


def test_a_calendar_is_well_formed() -> None:
    series = fridays(exdates=[wall("2024-09-13T19:00")])
    moved = own(series, date(2024, 9, 20), place=BOSINGAK)
    calendar = written(msgspec.structs.replace(series, overrides=[moved]))
    assert calendar.count(b"\n") == calendar.count(b"\r\n")
    assert all(len(line) <= 75 for line in calendar.split(b"\r\n"))
    lines = unfolded(calendar)
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in lines
    assert f"X-WR-CALNAME:{PLAN.texts['ko'].title}" in lines
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert "EXDATE;TZID=Asia/Seoul:20240913T190000" in lines
    assert "RECURRENCE-ID;TZID=Asia/Seoul:20240920T190000" in lines
    assert lines.count(f"UID:{series.uid}") == 2
    assert [line for line in lines if line.startswith("SEQUENCE")] == ["SEQUENCE:3", "SEQUENCE:2"]
    assert "GEO:37.4979;127.0276" in lines
    assert f"URL:{ORIGIN}/#series={series.id}" in lines
    assert f"URL:{ORIGIN}/#occurrence={moved.id}" in lines


def test_the_same_series_gives_the_same_bytes() -> None:
    assert written(fridays()) == written(fridays())
    assert "DTSTAMP:20240826T030005Z" in unfolded(written(fridays()))


def test_a_calendar_names_nobody_and_makes_nobody_busy() -> None:
    lines = unfolded(written(fridays()))
    names = {line.partition(":")[0].partition(";")[0] for line in lines}
    assert names.isdisjoint({"ATTENDEE", "ORGANIZER", "CONTACT", "METHOD", "VALARM"})
    assert "TRANSP:TRANSPARENT" in lines
    assert not any("mailto:" in line or "?" in line for line in lines if "URL" in line)


def test_a_reader_gets_her_own_language_and_the_reason() -> None:
    series = fridays()
    text = msgspec.structs.replace(
        series.texts["en"], programme=[ProgrammeItem(at="19:30", title="Speeches; songs")]
    )
    cancelled = own(
        series,
        date(2024, 9, 20),
        state="cancelled",
        texts={**series.texts, "en": text},
        reason={"ko": "폭우", "en": "Heavy rain"},
    )
    calendar = written(msgspec.structs.replace(series, overrides=[cancelled]), lang="en")
    lines = unfolded(calendar)
    assert f"SUMMARY;LANGUAGE=en:{series.texts['en'].title}" in lines
    [described] = [line for line in lines if "Heavy rain" in line]
    assert described.startswith("DESCRIPTION;LANGUAGE=en:Heavy rain\\n\\n")
    assert described.endswith("\\n\\n19:30 Speeches\\; songs")
    assert f"SUMMARY;LANGUAGE=ko:{series.texts['ko'].title}" in unfolded(written(series, lang="zz"))


def test_the_reader_s_lock_is_exact_and_names_no_address() -> None:
    lock = msgspec.json.decode((HERE / "package-lock.json").read_bytes())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in each and "resolved" not in each for each in packages.values())


def test_links_lead_where_alerts_lead() -> None:
    id = UUID(int=1)
    assert links.occurrence_url(ORIGIN, id) == alert_rules.occurrence_url(ORIGIN, id)
