"""What may be noted of a notice, and what may follow what: nothing skips a step of the law."""

from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend.core.errors import DomainError
from backend.notices import rules
from backend.notices.packs import KOREA, NONE
from backend.notices.record_rules import in_zone, noted
from backend.notices.rules import Kept
from schemas.notices import NoticeRecord, RecordedState
from tests.notices.fridays import FRIDAY, HOUR, MINUTE, gathering, kept

NOW = FRIDAY - 50 * HOUR
FILED = FRIDAY - 100 * HOUR
BANNED = {"banned_at": FRIDAY - 80 * HOUR, "measure": "ban"}
OBJECTED = {**BANNED, "objected_at": FRIDAY - 75 * HOUR}
CORRECTED = {
    "correction_demanded_at": FRIDAY - 95 * HOUR,
    "corrected_at": FRIDAY - 90 * HOUR,
}
STATES = get_args(RecordedState)
TYPICAL: dict[str, dict[str, Any]] = {
    "unfiled": {"filed_at": None},
    "exempt": {"filed_at": None, "exemption": "arts"},
    "filed": {},
    "corrected": CORRECTED,
    "banned": BANNED,
    "objected": OBJECTED,
    "withdrawn": {"withdrawn_at": FRIDAY - 60 * HOUR},
}


def record(state: str, **fields: Any) -> NoticeRecord:
    """A record in a state, with the times that it needs."""
    return kept(state=state, **{**TYPICAL[state], **fields}).record


def refusal(before: Kept, after: NoticeRecord, now: datetime = NOW) -> str | None:
    """Why `after` may not be noted, or None when it may."""
    try:
        noted(KOREA, gathering(), before, after, now)
    except DomainError as error:
        return error.slug
    return None


FOLLOWS = {
    ("unfiled", "filed"),
    ("unfiled", "exempt"),
    ("filed", "corrected"),
    ("filed", "banned"),
    ("filed", "withdrawn"),
    ("corrected", "banned"),
    ("corrected", "withdrawn"),
    ("banned", "objected"),
    ("banned", "filed"),
    ("banned", "corrected"),
    ("banned", "withdrawn"),
    ("objected", "filed"),
    ("objected", "corrected"),
    ("objected", "withdrawn"),
    ("withdrawn", "filed"),
    ("exempt", "filed"),
}


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_states_follow_each_other_as_the_law_has_it(before: str, after: str) -> None:
    held = Kept(record(before), FRIDAY, 1)
    allowed = (before, after) in FOLLOWS or after in {before, "unfiled"}
    assert refusal(held, record(after)) == (None if allowed else "state-cannot-follow")


def test_a_ban_that_is_upheld_stays_one_and_says_when_it_was_ruled_on() -> None:
    held = Kept(record("objected"), FRIDAY, 1)
    ruled = FRIDAY - 55 * HOUR
    assert refusal(held, record("banned", **OBJECTED)) == "state-cannot-follow"
    assert refusal(held, record("banned", **OBJECTED, ruled_at=ruled)) is None
    assert refusal(held, record("filed", **OBJECTED, ruled_at=ruled)) is None


def test_a_ban_is_noted_as_one_before_it_is_lifted() -> None:
    assert refusal(Kept(record("filed"), FRIDAY, 1), record("filed", **BANNED)) == (
        "state-cannot-follow"
    )
    assert refusal(Kept(record("banned"), FRIDAY, 1), record("filed", **BANNED)) is None


@pytest.mark.parametrize(
    ("after", "slug"),
    [
        (record("filed", filed_at=None), "times-do-not-fit"),
        (record("filed", withdrawn_at=FILED), "times-do-not-fit"),
        (record("exempt", filed_at=FILED), "times-do-not-fit"),
        (record("filed", measure="ban"), "measure-missing"),
        (record("filed", exemption="arts"), "unknown-exemption"),
        (record("exempt", exemption=None), "unknown-exemption"),
        (record("filed", correction_demanded_at=FILED - MINUTE), "times-out-of-order"),
        (record("filed", ruled_at=FILED), "times-out-of-order"),
        (record("filed", filed_at=NOW + MINUTE), "ahead-of-now"),
        (record("filed", filed_at=FRIDAY - 720 * HOUR - MINUTE), "outside-window"),
    ],
)
def test_times_that_cannot_be_are_refused(after: NoticeRecord, slug: str) -> None:
    assert refusal(Kept(), after) == slug


def test_an_objection_is_against_a_ban() -> None:
    held = Kept(record("banned", measure="restriction"), FRIDAY, 1)
    assert refusal(held, record("objected", measure="restriction")) == "not-a-ban"


def test_a_notice_is_filed_from_the_first_minute_of_its_window_and_late_until_the_start() -> None:
    at = {"opens": FRIDAY - 720 * HOUR, "late": FRIDAY - MINUTE, "start": FRIDAY}
    found = {name: refusal(Kept(), record("filed", filed_at=at[name]), FRIDAY) for name in at}
    assert found == {"opens": None, "late": None, "start": "outside-window"}
    late = noted(KOREA, gathering(), Kept(), record("filed", filed_at=at["late"]), FRIDAY)
    told = rules.deadlines(KOREA, gathering(), late, FRIDAY)
    assert [each.in_time for each in told if each.step == "file-by"] == [False]


def test_a_notice_names_the_start_that_it_was_filed_for() -> None:
    first = noted(KOREA, gathering(), Kept(), record("filed"), NOW)
    assert first.filed_for == FRIDAY
    moved = gathering(FRIDAY + 24 * HOUR)
    counted = noted(KOREA, moved, first, record("filed", marshals=20), NOW)
    assert counted.filed_for == FRIDAY, "counting marshals files nothing"
    mistyped = noted(KOREA, moved, counted, record("filed", filed_at=FILED - HOUR), NOW)
    assert mistyped.filed_for == FRIDAY, "an earlier time corrects what was noted"
    anew = noted(KOREA, moved, mistyped, record("filed", filed_at=FILED + HOUR), NOW)
    assert anew.filed_for == moved.starts_at
    assert rules.covers(moved, anew)
    assert [each.version for each in (first, counted, mistyped, anew)] == [1, 2, 3, 4]


def test_where_no_law_is_known_nothing_is_noted() -> None:
    with pytest.raises(DomainError, match="No law") as refused:
        noted(NONE, gathering(), Kept(), record("filed"), NOW)
    assert refused.value.slug == "no-notice-here"


@given(st.sampled_from(STATES), st.sampled_from(["Asia/Seoul", "America/New_York"]))
def test_a_record_is_the_same_by_any_clock(state: str, zone: str) -> None:
    told = in_zone(record(state), ZoneInfo(zone))
    assert in_zone(told, UTC) == in_zone(record(state), UTC)


def test_a_record_has_no_room_for_a_name() -> None:
    """P1: instants, numbers, yes or no, and words of closed lists. Not one free text."""
    hints = get_type_hints(NoticeRecord)
    assert set(hints) == set(NoticeRecord.__struct_fields__)
    open_ended = [name for name, hint in hints.items() if str in (hint, *get_args(hint))]
    assert open_ended == []
    for name in NoticeRecord.__struct_fields__:
        wire = msgspec.structs.fields(NoticeRecord)
        encoded = next(each.encode_name for each in wire if each.name == name)
        body = {"state": "filed", encoded: "Kim, 010-0000-0000"}
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(body, NoticeRecord)


class Notices(RuleBasedStateMachine):
    """Anything may be sent in any order; what is kept is always something that can have been."""

    @initialize()
    def nothing_yet(self) -> None:
        self.kept = Kept()
        self.now = FRIDAY - 730 * HOUR

    @rule(
        state=st.sampled_from(STATES),
        borrowed=st.sampled_from(STATES),
        hours=st.integers(min_value=0, max_value=120),
    )
    def something_is_sent(self, state: str, borrowed: str, hours: int) -> None:
        self.now = min(self.now + hours * HOUR, FRIDAY - MINUTE)
        fields = {**TYPICAL[borrowed], **TYPICAL[state]}
        after = kept(state=state, **fields).record
        if refusal(self.kept, after, self.now) is None:
            assert after.state in {self.kept.record.state, "unfiled"} or (
                (self.kept.record.state, after.state) in FOLLOWS | {("objected", "banned")}
            )
            self.kept = noted(KOREA, gathering(), self.kept, after, self.now)

    @invariant()
    def what_is_kept_can_have_been(self) -> None:
        one = self.kept.record
        times = [one.filed_at, one.banned_at, one.objected_at, one.ruled_at]
        told = [each for each in times if each is not None]
        assert told == sorted(told)
        assert all(each <= self.now for each in told)
        assert (self.kept.filed_for is None) == (one.filed_at is None)
        assert (one.state == "exempt") == (one.exemption is not None)


TestNotices = Notices.TestCase
