"""Decides what a change means for people: which gatherings differ, and in what words they are told.

Compares what is written down before and after. No I/O.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.events.calendar_rules import Written
from schemas.alerts import AlertKind, AlertText


class Change(NamedTuple):
    """One gathering before and after; None stands for none that is held."""

    id: UUID
    before: Written | None
    after: Written | None
    told: Written
    """What is known of it now, held or not."""

    @property
    def starts_at(self) -> datetime:
        """When it is held, or would have been."""
        return (self.after or self.before or self.told).starts_at


class Difference(NamedTuple):
    """Gatherings ahead that a change adds, moves, changes otherwise, or takes away."""

    added: list[Change]
    moved: list[Change]
    changed: list[Change]
    cancelled: list[Change]

    @property
    def all(self) -> list[Change]:
        """All of them, by start."""
        return sorted(
            [*self.added, *self.moved, *self.changed, *self.cancelled],
            key=lambda each: (each.starts_at, each.id),
        )

    @property
    def notable(self) -> list[Change]:
        """Those that people have to be told of: another time, another way to get there, or none."""
        elsewhere = [each for each in self.changed if _elsewhere(each)]
        return Difference(self.added, self.moved, elsewhere, self.cancelled).all

    @property
    def kind(self) -> AlertKind | None:
        """Of the alert that tells them."""
        if not self.notable:
            return None
        only_cancelled = len(self.cancelled) == len(self.notable)
        return AlertKind.CANCELLATION if only_cancelled else AlertKind.CHANGE


def compare(before: Iterable[Written], after: Iterable[Written], now: datetime) -> Difference:
    """What differs between two states, of gatherings that have not begun."""
    held_before = {each.id: each for each in before if _ahead(each, now)}
    there = {each.id: each for each in after}
    held_after = {id: each for id, each in there.items() if _ahead(each, now)}
    both = [
        Change(id, held_before[id], held_after[id], held_after[id])
        for id in held_before.keys() & held_after.keys()
    ]
    moved = [each for each in both if _times(each.before) != _times(each.after)]
    return Difference(
        added=[
            Change(id, None, each, each) for id, each in held_after.items() if id not in held_before
        ],
        moved=moved,
        changed=[each for each in both if each not in moved and _telling(each)],
        cancelled=[
            Change(id, each, None, there.get(id, each))
            for id, each in held_before.items()
            if id not in held_after
        ],
    )


def reminders_lost(difference: Difference, reminder_minutes: Iterable[int], now: datetime) -> int:
    """How many reminders of gatherings that are moved or cancelled were still to go out."""
    minutes = [timedelta(minutes=each) for each in reminder_minutes]
    return sum(
        each.before is not None and each.before.starts_at - before > now
        for each in (*difference.moved, *difference.cancelled)
        for before in minutes
    )


def _ahead(one: Written, now: datetime) -> bool:
    return one.state == "scheduled" and one.starts_at > now


def _times(one: Written | None) -> tuple[datetime, datetime] | None:
    return None if one is None else (one.starts_at, one.ends_at)


def _telling(change: Change) -> bool:
    before, after = change.before, change.after
    return (
        before is not None
        and after is not None
        and (before.place, before.texts) != (after.place, after.texts)
    )


def _elsewhere(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    points = [
        {language: text.meeting_point for language, text in each.texts.items()}
        for each in (before, after)
    ]
    return before.place.id != after.place.id or points[0] != points[1]


WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {
        "moved": "시간이 바뀌었습니다. {old} → {when}. 장소: {place}.",
        "place": "{when} 모임의 장소가 바뀌었습니다. 장소: {place}, {point}.",
        "cancelled": "{when} 모임이 취소되었습니다. {reason}",
        "added": "{when} 모임이 열립니다. 장소: {place}.",
        "many": "일정이 바뀌었습니다. 취소 {cancelled}, 변경 {changed}, 추가 {added}. "
        "가장 가까운 날: {when}.",
    },
    "en": {
        "moved": "New time: {old} → {when}. Place: {place}.",
        "place": "New place on {when}: {place}, {point}.",
        "cancelled": "Cancelled: {when}. {reason}",
        "added": "Added: {when}. Place: {place}.",
        "many": "The dates have changed: {cancelled} cancelled, {changed} changed, "
        "{added} added. The nearest: {when}.",
    },
}


def announcement(difference: Difference, zone: ZoneInfo) -> dict[str, AlertText]:
    """What people are told of a difference that is notable, in each language that has words.

    In Korean when no language of the first gathering has.
    """
    notable = difference.notable
    first = notable[0]
    shown = first.told
    languages = [language for language in shown.texts if language in WORDS] or ["ko"]
    texts: dict[str, AlertText] = {}
    for language in languages:
        text = shown.texts.get(language) or next(iter(shown.texts.values()))
        names = shown.place.names
        fields = {
            "when": when(language, first.starts_at.astimezone(zone)),
            "old": when(language, (first.before or shown).starts_at.astimezone(zone)),
            "place": names.get(language) or next(iter(names.values())),
            "point": text.meeting_point,
            "reason": _reason(shown.reason, language),
            "cancelled": str(len(difference.cancelled)),
            "changed": str(len(notable) - len(difference.cancelled) - len(difference.added)),
            "added": str(len(difference.added)),
        }
        body = WORDS[language][_wording(difference)].format(**fields).strip()
        texts[language] = AlertText(title=text.title, body=body)
    return texts


def _wording(difference: Difference) -> str:
    if len(difference.notable) > 1:
        return "many"
    if difference.cancelled:
        return "cancelled"
    if difference.added:
        return "added"
    return "moved" if difference.moved else "place"


def _reason(reason: Mapping[str, str] | None, language: str) -> str:
    if not reason:
        return ""
    return reason.get(language) or reason.get("ko") or next(iter(reason.values()))


def when(language: str, starts_at: datetime) -> str:
    """A start as people say it, in its own zone."""
    if language == "ko":
        weekday = "월화수목금토일"[starts_at.weekday()]
        return f"{starts_at.month}월 {starts_at.day}일({weekday}) {starts_at:%H:%M}"
    return f"{starts_at:%A} {starts_at.day} {starts_at:%B}, {starts_at:%H:%M}"
