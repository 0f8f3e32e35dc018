"""Decides what may be noted of a notice: which times belong to a state, and what may follow what.

Facts are taken as they are, also when they were late: the police may have taken a late notice, and
a late ban is worth knowing. No I/O, no clock of its own.
"""

from datetime import UTC, datetime, tzinfo

import msgspec

from backend.core.errors import Conflict, Unacceptable
from backend.notices.rules import STANDING, Gathering, Kept, window
from schemas.notices import Jurisdiction, NoticeRecord, RecordedState

_TIMES = frozenset(
    {
        "filed_at",
        "correction_demanded_at",
        "corrected_at",
        "banned_at",
        "objected_at",
        "ruled_at",
        "withdrawn_at",
        "holding_reported_at",
    }
)
_NEEDED: dict[RecordedState, set[str]] = {
    "unfiled": set(),
    "exempt": set(),
    "filed": {"filed_at"},
    "corrected": {"filed_at", "correction_demanded_at", "corrected_at"},
    "banned": {"filed_at", "banned_at"},
    "objected": {"filed_at", "banned_at", "objected_at"},
    "withdrawn": {"filed_at", "withdrawn_at"},
}
_ABSENT: dict[RecordedState, set[str]] = {
    "unfiled": set(_TIMES),
    "exempt": set(_TIMES),
    "filed": {"corrected_at", "withdrawn_at"},
    "corrected": {"withdrawn_at"},
    "banned": {"withdrawn_at"},
    "objected": {"withdrawn_at", "ruled_at"},
    "withdrawn": set(),
}
_IN_ORDER = (
    ("filed_at", "correction_demanded_at"),
    ("correction_demanded_at", "corrected_at"),
    ("filed_at", "banned_at"),
    ("banned_at", "objected_at"),
    ("objected_at", "ruled_at"),
    ("filed_at", "withdrawn_at"),
    ("filed_at", "holding_reported_at"),
)
"""Each second needs its first, and comes at the same minute or later."""

_NEXT: dict[RecordedState, set[RecordedState]] = {
    "unfiled": {"filed", "exempt"},
    "filed": {"corrected", "banned", "withdrawn"},
    "corrected": {"banned", "withdrawn"},
    "banned": {"objected", "filed", "corrected", "withdrawn"},
    "objected": {"banned", "filed", "corrected", "withdrawn"},
    "withdrawn": {"filed"},
    "exempt": {"filed"},
}
"""What may follow, besides the same state with other times and `unfiled`, which takes it back."""


def noted(
    pack: Jurisdiction, gathering: Gathering, before: Kept, record: NoticeRecord, now: datetime
) -> Kept:
    """What is kept once `record` was noted, with its times in UTC.

    Raises:
        Unacceptable: `no-notice-here`, `times-do-not-fit`, `times-out-of-order`, `ahead-of-now`,
            `outside-window`, `unknown-exemption`, `measure-missing`, `not-a-ban`.
        Conflict: `state-cannot-follow`.
    """
    if not pack.rules:
        raise Unacceptable("no-notice-here", "No law of this gathering's place is known here.")
    _check_form(record)
    _check_exemption(pack, record)
    _check_order(record, now)
    _check_step(before.record, record)
    filed_for = None
    if record.filed_at is not None:
        filed_for = before.filed_for or gathering.starts_at
        earlier = before.record.filed_at
        if earlier is None or record.filed_at > earlier:
            opens, _ = window(pack, gathering)
            if not opens <= record.filed_at < gathering.starts_at:
                sentence = "A notice is filed after its window opened and before the start."
                raise Unacceptable("outside-window", sentence)
            filed_for = gathering.starts_at
    return Kept(in_zone(record, UTC), filed_for, before.version + 1)


def in_zone(record: NoticeRecord, zone: tzinfo) -> NoticeRecord:
    """The same record, told by the clock of a zone."""
    times: dict[str, datetime | None] = {name: getattr(record, name) for name in _TIMES}
    local = {name: at.astimezone(zone) for name, at in times.items() if at is not None}
    return msgspec.structs.replace(record, **local)


def _check_form(record: NoticeRecord) -> None:
    given = {name for name in _TIMES if getattr(record, name) is not None}
    if not _NEEDED[record.state] <= given or given & _ABSENT[record.state]:
        sentence = "The times do not fit the state: one is missing, or one too many."
        raise Unacceptable("times-do-not-fit", sentence)
    if (record.banned_at is None) != (record.measure is None):
        sentence = "bannedAt and measure are given together, or neither."
        raise Unacceptable("measure-missing", sentence)
    if record.objected_at is not None and record.measure != "ban":
        raise Unacceptable("not-a-ban", "The objection is against a ban, not a restriction.")


def _check_exemption(pack: Jurisdiction, record: NoticeRecord) -> None:
    known = {each.exemption for each in pack.exemptions}
    if (record.state == "exempt") != (record.exemption is not None) or (
        record.exemption is not None and record.exemption not in known
    ):
        sentence = "An exempt gathering, and no other, gives one of the exemptions of its place."
        raise Unacceptable("unknown-exemption", sentence)


def _check_order(record: NoticeRecord, now: datetime) -> None:
    for first, second in _IN_ORDER:
        earlier: datetime | None = getattr(record, first)
        later: datetime | None = getattr(record, second)
        if later is not None and (earlier is None or later < earlier):
            sentence = "One of the times lies before what it follows."
            raise Unacceptable("times-out-of-order", sentence)
    times = (getattr(record, name) for name in _TIMES)
    if any(each is not None and each > now for each in times):
        raise Unacceptable("ahead-of-now", "What has not happened yet cannot be noted.")


def _check_step(before: NoticeRecord, after: NoticeRecord) -> None:
    known = after.state in {before.state, "unfiled"} or after.state in _NEXT[before.state]
    upheld = before.state != "objected" or after.state != "banned" or after.ruled_at is not None
    lifted = after.state not in STANDING or after.banned_at is None or before.banned_at is not None
    if not (known and upheld and lifted):
        sentence = "That state cannot follow the one that is noted; see what is missing between."
        raise Conflict("state-cannot-follow", sentence)
