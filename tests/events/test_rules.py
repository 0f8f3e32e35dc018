"""When a series is held: rules are read strictly, and the clock on the wall is kept."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import cast
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import Unacceptable
from backend.events.rules import (
    MAX_COUNT,
    Day,
    Frequency,
    Planned,
    Rule,
    Schedule,
    expand,
    instant,
    parse_rule,
    reminders_due,
)
from tests.events.gatherings import held

SEOUL = "Asia/Seoul"
BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)
FAR = datetime(2101, 1, 1, tzinfo=UTC)


def starts(schedule: Schedule, most: int = 10) -> list[str]:
    """The first starts of a series by the clock on the wall, with offset."""
    return [
        each.starts_at.astimezone(schedule.zone).isoformat()
        for each in expand(schedule, before=FAR, limit=most)
    ]


def dates(schedule: Schedule, most: int = 10) -> list[date]:
    """The first dates of a series."""
    return [each.recurrence_id for each in expand(schedule, before=FAR, limit=most)]


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=HOURLY",
        "FREQ=YEARLY",
        "FREQ=WEEKLY;COUNT=1000000000",
        "FREQ=WEEKLY;COUNT=521",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=-1",
        "FREQ=WEEKLY;COUNT=1e2",
        "FREQ=WEEKLY;COUNT=٣",
        "FREQ=WEEKLY;COUNT=4;UNTIL=20261231T150000Z",
        "FREQ=WEEKLY;UNTIL=20261231T150000",
        "FREQ=WEEKLY;UNTIL=20261231",
        "FREQ=WEEKLY;UNTIL=20260230T150000Z",
        "FREQ=WEEKLY;UNTIL=99999999T999999Z",
        "FREQ=WEEKLY;BYDAY=FRI",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=FR,",
        "FREQ=WEEKLY;BYDAY=FR,FR",
        "FREQ=WEEKLY;BYDAY=2FR",
        "FREQ=MONTHLY;BYDAY=0FR",
        "FREQ=MONTHLY;BYDAY=FR,1SA",
        "FREQ=MONTHLY;BYDAY=6FR",
        "FREQ=MONTHLY;BYDAY=-53FR",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=1,1",
        "FREQ=WEEKLY;BYMONTHDAY=30",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=100",
        "FREQ=WEEKLY;BYHOUR=1,2,3",
        "FREQ=WEEKLY;BYSECOND=0",
        "FREQ=WEEKLY;BYSETPOS=1",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=WEEKLY;X-EVIL=1",
        "RRULE:FREQ=WEEKLY",
        "INTERVAL=2",
        "FREQ",
        "FREQ=WEEKLY;",
        "FREQ=WEEKLY\r\nDTSTART:19700101T000000Z",
        "",
    ],
)
def test_61_a_rule_that_no_rally_needs_is_refused(rrule: str) -> None:
    with pytest.raises(Unacceptable) as refusal:
        parse_rule(rrule)
    assert refusal.value.slug == "rule-refused"


@pytest.mark.parametrize(
    ("start", "rrule"),
    [
        ("2024-08-30T19:00:00", "FREQ=WEEKLY;BYDAY=SA"),
        ("2024-08-30T19:00:00", "FREQ=MONTHLY;BYDAY=1FR"),
        ("2024-08-30T19:00:00", "FREQ=MONTHLY;BYMONTHDAY=29"),
        ("2024-08-30T19:00:00", "FREQ=MONTHLY;BYMONTHDAY=30;BYDAY=-2FR"),
        ("2024-08-30T19:00:00", "FREQ=WEEKLY;UNTIL=20240830T095959Z"),
        ("2024-08-30T19:00:00", "FREQ=DAILY;INTERVAL=7;BYDAY=MO"),
    ],
)
def test_61_a_rule_that_does_not_make_the_first_start_is_refused(start: str, rrule: str) -> None:
    with pytest.raises(Unacceptable) as refusal:
        held(start, SEOUL, rrule)
    assert refusal.value.slug == "start-outside-rule"


@pytest.mark.parametrize("zone", ["Seoul", "localtime", "../../etc/passwd", "asia/seoul", "KST"])
def test_a_zone_that_nobody_keeps_is_refused(zone: str) -> None:
    with pytest.raises(Unacceptable) as refusal:
        held("2024-08-30T19:00:00", zone)
    assert refusal.value.slug == "unknown-time-zone"


def test_fridays_at_exit_10() -> None:
    fridays = held("2024-08-30T19:00:00", SEOUL, "FREQ=WEEKLY;BYDAY=FR")
    assert starts(fridays, 3) == [
        "2024-08-30T19:00:00+09:00",
        "2024-09-06T19:00:00+09:00",
        "2024-09-13T19:00:00+09:00",
    ]


def test_a_gathering_without_a_rule_is_held_once() -> None:
    assert starts(held("2024-08-29T11:00:00", SEOUL)) == ["2024-08-29T11:00:00+09:00"]


def test_wall_clock_time_survives_a_change_of_the_clocks() -> None:
    fridays = held("2024-10-25T19:00:00", BERLIN, "FREQ=WEEKLY")
    assert starts(fridays, 2) == ["2024-10-25T19:00:00+02:00", "2024-11-01T19:00:00+01:00"]


def test_62_an_hour_that_the_clocks_skip_is_held_an_hour_later_on_the_wall() -> None:
    nights = held("2024-03-30T02:30:00", BERLIN, "FREQ=DAILY")
    assert starts(nights, 3) == [
        "2024-03-30T02:30:00+01:00",
        "2024-03-31T03:30:00+02:00",
        "2024-04-01T02:30:00+02:00",
    ]


def test_62_an_hour_that_the_clocks_repeat_is_meant_the_first_time() -> None:
    nights = held("2024-10-26T02:30:00", BERLIN, "FREQ=DAILY")
    assert starts(nights, 3) == [
        "2024-10-26T02:30:00+02:00",
        "2024-10-27T02:30:00+02:00",
        "2024-10-28T02:30:00+01:00",
    ]


def test_62_a_day_that_the_calendar_skipped_is_held_once_the_next_has_begun() -> None:
    # Samoa went over the date line: there was no 30 December 2011 in Apia.
    nights = held("2011-12-29T19:00:00", "Pacific/Apia", "FREQ=DAILY;COUNT=3")
    assert dates(nights) == [date(2011, 12, 29), date(2011, 12, 30), date(2011, 12, 31)]
    assert starts(nights)[1] == "2011-12-31T19:00:00+14:00"


def test_65_a_month_without_a_31st_is_passed_over() -> None:
    assert dates(held("2024-01-31T19:00:00", SEOUL, "FREQ=MONTHLY"), 4) == [
        date(2024, 1, 31),
        date(2024, 3, 31),
        date(2024, 5, 31),
        date(2024, 7, 31),
    ]


def test_65_29_february_comes_back_in_leap_years() -> None:
    leap_days = held("2024-02-29T19:00:00", SEOUL, "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29")
    assert dates(leap_days, 3) == [date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)]


def test_the_last_day_of_each_month() -> None:
    ends = held("2024-01-31T19:00:00", SEOUL, "FREQ=MONTHLY;BYMONTHDAY=-1")
    assert [day.day for day in dates(ends, 4)] == [31, 29, 31, 30]


def test_the_second_saturday_and_every_other_week() -> None:
    second = held("2024-09-14T14:00:00", SEOUL, "FREQ=MONTHLY;BYDAY=2SA")
    assert dates(second, 2) == [date(2024, 9, 14), date(2024, 10, 12)]
    fortnightly = held("2024-09-06T19:00:00", SEOUL, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR")
    assert dates(fortnightly, 3) == [date(2024, 9, 6), date(2024, 9, 16), date(2024, 9, 20)]


def test_until_includes_the_instant_that_it_names() -> None:
    fridays = held("2024-08-30T19:00:00", SEOUL, "FREQ=WEEKLY;UNTIL=20240913T100000Z")
    assert len(starts(fridays)) == 3


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("freq=weekly;byday=fr", "FREQ=WEEKLY;BYDAY=FR"),
        ("BYDAY=SA,FR;INTERVAL=1;FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=FR,SA"),
        ("FREQ=MONTHLY;BYDAY=+2FR,-1SA", "FREQ=MONTHLY;BYDAY=2FR,-1SA"),
        (
            "UNTIL=20261231T150000Z;FREQ=DAILY;INTERVAL=3",
            "FREQ=DAILY;INTERVAL=3;UNTIL=20261231T150000Z",
        ),
    ],
)
def test_a_rule_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert str(parse_rule(written)) == kept


def test_a_reminder_is_due_for_an_hour_and_never_once_the_gathering_began() -> None:
    friday = datetime(2024, 9, 6, 10, tzinfo=UTC)
    before = {
        timedelta(hours=24, seconds=1): [],
        timedelta(hours=24): [1440],
        timedelta(hours=23, seconds=1): [1440],
        timedelta(hours=23): [],
        timedelta(hours=2): [120],
        timedelta(minutes=5): [5],
        timedelta(): [],
        -timedelta(minutes=1): [],
    }
    for ahead, due in before.items():
        assert reminders_due(friday, [1440, 120, 5], friday - ahead) == due


PLACES = st.integers(-5, 5).filter(bool)
WEEKDAYS = st.lists(st.builds(Day, st.integers(0, 6)), max_size=7, unique=True)
COUNTED_DAYS = st.lists(st.builds(Day, st.integers(0, 6), PLACES), max_size=5, unique=True)
MONTH_DAYS = st.lists(st.integers(-31, 31).filter(bool), max_size=5, unique=True)
YEAR_2000 = datetime.fromisoformat("2000-01-01T00:00:00")
YEAR_2090 = datetime.fromisoformat("2090-01-01T00:00:00")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that we keep, in its one spelling."""
    frequency = cast("Frequency", draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"])))
    counted = frequency == "MONTHLY" and draw(st.booleans())
    days = draw(COUNTED_DAYS if counted else WEEKDAYS)
    month_days = [] if frequency == "WEEKLY" else draw(MONTH_DAYS)
    ends = draw(st.sampled_from(["never", "count", "until"]))
    until = st.datetimes(YEAR_2000, YEAR_2090, timezones=st.just(UTC))
    return Rule(
        frequency=frequency,
        interval=draw(st.integers(1, 99)),
        days=tuple(sorted(days, key=lambda day: (day.weekday, day.place))),
        month_days=tuple(sorted(month_days)),
        count=draw(st.integers(1, MAX_COUNT)) if ends == "count" else None,
        until=draw(until).replace(microsecond=0) if ends == "until" else None,
    )


WALLS = st.datetimes(YEAR_2000, YEAR_2090).map(lambda local: local.replace(second=0, microsecond=0))
ZONES = st.sampled_from(
    [SEOUL, BERLIN, "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
)


@given(rules())
def test_a_rule_reads_back_as_it_was_written(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@given(st.text())
def test_no_text_upsets_the_reading_of_rules(text: str) -> None:
    with contextlib.suppress(Unacceptable):
        assert parse_rule(str(parse_rule(text))) == parse_rule(text)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """A series whose rule makes its first start."""
    rule, start, zone = draw(rules()), draw(WALLS), draw(ZONES)
    day = Day(start.weekday())
    if any(each.place for each in rule.days):
        day = Day(start.weekday(), (start.day - 1) // 7 + 1)
    until = rule.until and start.replace(tzinfo=UTC) + draw(st.timedeltas(DAY, 500 * DAY))
    fitting = msgspec.structs.replace(
        rule,
        days=tuple({*rule.days, day}) if rule.days else (),
        month_days=tuple({*rule.month_days, start.day}) if rule.month_days else (),
        until=until and until.replace(microsecond=0),
    )
    return held(start.isoformat(), zone, str(fitting))


@given(schedules())
def test_expansion_keeps_its_laws(schedule: Schedule) -> None:
    before = schedule.first_start + 400 * DAY
    planned = expand(schedule, before=before)
    assert planned[0].starts_at == schedule.first_start
    assert planned[0].recurrence_id == schedule.starts_local.date()
    _in_order_and_on_the_wall(planned, schedule, before)
    _a_part_of_it_is_the_same(planned, schedule, before)


def _in_order_and_on_the_wall(planned: list[Planned], schedule: Schedule, before: datetime) -> None:
    rule = schedule.rule
    assert rule is not None
    for one, next_one in pairwise(planned):
        assert one.recurrence_id < next_one.recurrence_id
        assert one.starts_at <= next_one.starts_at
    for each in planned:
        assert each.starts_at < before
        assert rule.until is None or each.starts_at <= rule.until
        assert each.ends_at - each.starts_at == schedule.duration
        wall = datetime.combine(each.recurrence_id, schedule.starts_local.time())
        assert each.starts_at == instant(wall, schedule.zone)
        assert not rule.days or each.recurrence_id.weekday() in {d.weekday for d in rule.days}
    assert len({each.id for each in planned}) == len(planned)
    assert rule.count is None or len(planned) <= rule.count


def _a_part_of_it_is_the_same(planned: list[Planned], schedule: Schedule, before: datetime) -> None:
    since = planned[len(planned) // 2].recurrence_id
    assert expand(schedule, before=before, since=since) == planned[len(planned) // 2 :]
    assert expand(schedule, before=before, limit=3) == planned[:3]


@given(WALLS, ZONES)
def test_a_wall_clock_that_shows_a_time_once_shows_it_at_its_instant(
    start: datetime, zone: str
) -> None:
    shown = instant(start, ZoneInfo(zone)).astimezone(ZoneInfo(zone))
    assert shown.replace(tzinfo=None, fold=0) >= start
    if shown.replace(tzinfo=None, fold=0) == start:
        assert shown.fold == 0
