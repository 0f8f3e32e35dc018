"""By when the law wants what, to the minute: Fridays, ends of year, leap days, changing clocks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.notices import rules
from backend.notices.packs import KOREA
from backend.notices.rules import Gathering, Kept
from schemas.notices import Deadline, Step
from tests.notices.fridays import (
    FRIDAY,
    HOUR,
    MINUTE,
    SEOUL,
    ZONES,
    gathering,
    kept,
    minutes,
    zones,
)

hours = st.integers(min_value=0, max_value=2000)


def steps(
    of: Gathering, noted: Kept | None = None, now: datetime = FRIDAY - 50 * HOUR
) -> dict[Step, Deadline]:
    """The deadlines of a gathering by their step."""
    return {each.step: each for each in rules.deadlines(KOREA, of, noted or Kept(), now)}


def local(instant: datetime, zone: ZoneInfo = SEOUL) -> str:
    """An instant on the wall, with its day of the week."""
    return f"{instant.astimezone(zone):%A %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("friday", "opens", "closes"),
    [
        ("2024-08-30T19:00", "Wednesday 2024-07-31 19:00", "Wednesday 2024-08-28 19:00"),
        ("2024-09-06T19:00", "Wednesday 2024-08-07 19:00", "Wednesday 2024-09-04 19:00"),
        ("2025-01-03T19:00", "Wednesday 2024-12-04 19:00", "Wednesday 2025-01-01 19:00"),
        ("2024-03-01T19:00", "Wednesday 2024-01-31 19:00", "Wednesday 2024-02-28 19:00"),
        ("2028-03-03T19:00", "Wednesday 2028-02-02 19:00", "Wednesday 2028-03-01 19:00"),
        ("2024-03-29T19:00", "Wednesday 2024-02-28 19:00", "Wednesday 2024-03-27 19:00"),
    ],
)
def test_a_friday_is_filed_from_the_wednesday_of_30_days_before_to_that_week_s_wednesday(
    friday: str, opens: str, closes: str
) -> None:
    of = gathering(datetime.fromisoformat(friday).replace(tzinfo=SEOUL))
    told = steps(of)
    assert local(told["file-from"].at) == opens
    assert local(told["file-by"].at) == closes
    assert (told["file-from"].article, told["file-by"].article) == ("6①", "6①")
    assert of.starts_at - told["file-from"].at == timedelta(days=30)


def test_every_friday_of_ten_years_keeps_its_wednesdays() -> None:
    friday = datetime(2024, 8, 30, 19, 0, tzinfo=SEOUL)
    while friday.year < 2035:
        told = steps(gathering(friday))
        assert local(told["file-from"].at).startswith("Wednesday")
        assert local(told["file-from"].at).endswith("19:00")
        assert local(told["file-by"].at) == local(friday - timedelta(days=2))
        friday += timedelta(weeks=1)


@given(minutes, zones)
def test_hours_are_absolute_in_every_zone(starts_at: datetime, zone: ZoneInfo) -> None:
    of = gathering(starts_at.astimezone(zone), zone)
    told = steps(of, kept(of.starts_at))
    assert starts_at - told["file-from"].at == 720 * HOUR
    assert starts_at - told["file-by"].at == 48 * HOUR
    assert starts_at - told["withdrawal"].at == 24 * HOUR
    assert starts_at - told["holding-report"].at == HOUR
    assert {each.at.utcoffset() for each in told.values()} == {timedelta()}


def test_where_the_clocks_change_the_hour_on_the_wall_does_and_the_hours_do_not() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    of = gathering(datetime(2025, 3, 31, 19, 0, tzinfo=berlin), berlin)
    told = steps(of)
    assert local(told["file-by"].at, berlin) == "Saturday 2025-03-29 18:00"
    assert local(told["file-from"].at, berlin) == "Saturday 2025-03-01 18:00"


@given(minutes, zones)
def test_the_window_opens_and_closes_to_the_minute(starts_at: datetime, zone: ZoneInfo) -> None:
    of = gathering(starts_at, zone)

    def state(hours_before: int, shift: timedelta) -> str:
        return rules.state_of(KOREA, of, Kept(), starts_at - hours_before * HOUR + shift)[0]

    assert [state(720, shift) for shift in (-MINUTE, 0 * MINUTE)] == ["not-due", "open"]
    assert [state(48, shift) for shift in (0 * MINUTE, MINUTE)] == ["open", "closed"]


@given(minutes, zones, hours, hours, hours, hours)
def test_what_follows_the_filing_is_counted_from_what_happened(
    filed: datetime, zone: ZoneInfo, demanded: int, banned: int, objected: int, start: int
) -> None:
    noted = kept(
        filed,
        state="objected",
        filed_at=filed,
        correction_demanded_at=filed + demanded * HOUR,
        banned_at=filed + banned * HOUR,
        measure="ban",
        objected_at=filed + (banned + objected) * HOUR,
    )
    told = steps(gathering(filed + start * HOUR, zone), noted)
    assert told["receipt"].at == filed
    assert told["correction-demand"].at - filed == 12 * HOUR
    assert told["correction-demand"].in_time == (demanded <= 12)
    assert told["correction"].at - filed == (demanded + 24) * HOUR
    assert told["ban"].at - filed == 48 * HOUR
    assert told["ban"].in_time == (banned <= 48)
    assert told["ruling"].at - filed == (banned + objected + 24) * HOUR


@given(minutes, zones)
@example(datetime(2024, 2, 19, 1, 0, tzinfo=UTC), SEOUL)
def test_ten_days_end_with_the_tenth_day_after_the_ban(banned: datetime, zone: ZoneInfo) -> None:
    noted = kept(state="banned", filed_at=banned, banned_at=banned, measure="ban")
    last = steps(gathering(zone=zone), noted)["objection"].at.astimezone(zone)
    assert last.date() == banned.astimezone(zone).date() + timedelta(days=10)
    assert (last.hour, last.minute) == (23, 59)
    assert last - banned >= 10 * 24 * HOUR - 2 * HOUR


def test_a_ban_of_the_leap_week_is_objected_to_in_march_or_not() -> None:
    banned = datetime(2024, 2, 19, 15, 0, tzinfo=SEOUL)
    noted = kept(state="banned", filed_at=banned, banned_at=banned, measure="ban")
    assert local(steps(gathering(), noted)["objection"].at) == "Thursday 2024-02-29 23:59"
    earlier = msgspec.structs.replace(
        noted, record=msgspec.structs.replace(noted.record, banned_at=banned.replace(year=2025))
    )
    assert local(steps(gathering(), earlier)["objection"].at) == "Saturday 2025-03-01 23:59"


def test_a_restriction_has_no_objection() -> None:
    noted = kept(state="banned", banned_at=FRIDAY - 60 * HOUR, measure="restriction")
    assert "objection" not in steps(gathering(), noted)


@given(st.integers(min_value=0, max_value=47), st.integers(min_value=-1, max_value=1))
def test_a_ban_lapses_a_minute_after_the_day_without_a_ruling(waited: int, shift: int) -> None:
    objected = FRIDAY - 70 * HOUR
    noted = kept(
        state="objected", banned_at=FRIDAY - 80 * HOUR, measure="ban", objected_at=objected
    )
    now = objected + waited * HOUR + shift * MINUTE
    assert rules.ban_lapsed(KOREA, gathering(), noted, now) == (now > objected + 24 * HOUR)


def pending(of: Gathering, noted: Kept, now: datetime = FRIDAY - 50 * HOUR) -> list[Step]:
    """What organisers have to do."""
    return [step for step, each in steps(of, noted, now).items() if each.pending]


def test_what_is_pending_follows_the_record() -> None:
    demanded = FRIDAY - 90 * HOUR
    banned: dict[str, Any] = {"state": "banned", "banned_at": demanded, "measure": "ban"}
    corrected: dict[str, Any] = {"correction_demanded_at": demanded, "corrected_at": demanded}
    assert pending(gathering(), Kept()) == ["file-by"]
    assert pending(gathering(), kept()) == []
    assert pending(gathering(), kept(correction_demanded_at=demanded)) == ["correction"]
    assert pending(gathering(), kept(state="corrected", **corrected)) == []
    assert pending(gathering(), kept(**banned)) == ["objection"]
    assert pending(gathering(), kept(**banned, objected_at=demanded, ruled_at=demanded)) == []
    assert pending(gathering(), kept(rival_banned=True)) == ["holding-report"]
    assert pending(gathering(), kept(state="withdrawn", withdrawn_at=demanded)) == []
    assert pending(gathering(), Kept(), FRIDAY) == []


def test_a_friday_called_off_is_withdrawn_and_nothing_else() -> None:
    off = gathering(called_off=True)
    assert pending(off, Kept()) == []
    assert pending(off, kept(rival_banned=True)) == ["withdrawal"]
    assert pending(off, kept(), FRIDAY) == []


def test_a_friday_that_was_moved_is_filed_anew_and_the_old_time_withdrawn() -> None:
    moved = gathering(FRIDAY + 24 * HOUR)
    assert rules.covers(gathering(), kept())
    assert not rules.covers(moved, kept())
    assert pending(moved, kept()) == ["file-by", "withdrawal"]
    told = steps(moved, kept())
    assert local(told["file-by"].at) == "Thursday 2024-09-19 19:00"
    assert local(told["withdrawal"].at) == "Thursday 2024-09-19 19:00"
    assert told["file-by"].happened_at is None


def test_an_hour_that_comes_twice_is_not_mistaken_for_a_move() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    second = datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=berlin)
    assert rules.covers(gathering(second, berlin), kept(second.astimezone(UTC)))


@pytest.mark.parametrize(
    ("kind", "state", "exemption"),
    [
        ("rally", "open", None),
        ("march", "open", None),
        ("vigil", "open", None),
        ("meeting", "exempt", "indoors"),
        ("press-briefing", "exempt", "press-briefing"),
    ],
)
def test_only_outdoor_gatherings_need_a_notice(
    kind: str, state: str, exemption: str | None
) -> None:
    of = msgspec.structs.replace(gathering(), kind=kind)
    assert rules.state_of(KOREA, of, Kept(), FRIDAY - 100 * HOUR) == (state, exemption)
    assert bool(pending(of, Kept())) == (exemption is None)


def test_two_stations_make_it_the_province_s() -> None:
    offices = [rules.office_of(KOREA, stations) for stations in (1, 2, 3, 50)]
    assert offices == ["police-station", *["provincial-police"] * 3]


@given(st.integers(min_value=0, max_value=800 * 60))
def test_a_reminder_is_the_nearest_whose_time_has_come(before: int) -> None:
    now = FRIDAY - 48 * HOUR - before * MINUTE
    leads = [168, 48, 24, 3]
    reached = [lead for lead in leads if before <= lead * 60]
    due = rules.reminders(KOREA, gathering(), Kept(), now)
    assert [each.hours_before for each in due] == ([min(reached)] if reached else [])
    assert all(each.step == "file-by" for each in due)


def test_nobody_is_reminded_of_what_is_over_or_done() -> None:
    assert rules.reminders(KOREA, gathering(), Kept(), FRIDAY - 48 * HOUR + MINUTE) == []
    assert rules.reminders(KOREA, gathering(), kept(), FRIDAY - 49 * HOUR) == []


@given(st.dates(date(2000, 1, 3), date(2099, 12, 27)), zones)
def test_a_week_is_known_by_its_name_and_lasts_until_the_next(day: date, zone: ZoneInfo) -> None:
    monday = day - timedelta(days=day.weekday())
    assert rules.monday_of(rules.week_name(monday)) == monday
    begins, ends = rules.bounds(monday, zone)
    assert begins.astimezone(zone).date() == monday
    assert ends == rules.bounds(monday + timedelta(weeks=1), zone)[0]
    assert rules.week_of(begins, zone) == monday == rules.week_of(ends - MINUTE, zone)


def test_a_year_without_a_53rd_week_has_none() -> None:
    assert rules.monday_of("2024-W53") is None
    assert rules.monday_of("2026-W53") == date(2026, 12, 28)


def test_in_a_week_one_friday_must_be_filed_and_four_can_be() -> None:
    begins, ends = rules.bounds(date(2024, 9, 2), SEOUL)
    found = {
        week: [
            each.must
            for each in rules.due_by(
                rules.deadlines(KOREA, gathering(FRIDAY + week * 168 * HOUR), Kept(), begins), ends
            )
        ]
        for week in range(-2, 5)
    }
    assert found == {-2: [True], -1: [False], 0: [False], 1: [False], 2: [False], 3: [], 4: []}


def test_the_zones_of_these_tests_change_their_clocks() -> None:
    for zone in ZONES[1:]:
        year = [datetime(2025, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)]
        assert year[0] != year[1]
