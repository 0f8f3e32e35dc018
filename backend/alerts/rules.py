"""Decisions about alerts: how long they live, what is sent, what an answer means, when to retry.

Pure: no I/O and no clock of its own.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import msgspec

from schemas.alerts import AlertKind, AlertText

PAYLOAD_BYTES = 2048
"""Every push carries exactly this much before encryption, whatever it says."""

TOPIC_LETTERS = 32
"""The longest Topic that push services take (RFC 8030 section 5.4)."""

FEWEST_SHOWN = 20
ROUNDED_TO = 10
APPLE_HOST = "web.push.apple.com"


class Handling(msgspec.Struct, frozen=True):
    """How push services treat an alert: seconds they keep it (RFC 8030, 5.2) and urgency (5.3)."""

    time_to_live: timedelta
    urgency: str


HANDLING: Mapping[AlertKind, Handling] = {
    AlertKind.LEAVE_NOW: Handling(timedelta(minutes=15), "high"),
    AlertKind.SAFETY_WARNING: Handling(timedelta(hours=1), "high"),
    AlertKind.CANCELLATION: Handling(timedelta(hours=24), "high"),
    AlertKind.CHANGE: Handling(timedelta(hours=24), "high"),
    AlertKind.ALL_CLEAR: Handling(timedelta(hours=1), "high"),
    AlertKind.REMINDER: Handling(timedelta(hours=2), "normal"),
    AlertKind.INFORMATION: Handling(timedelta(hours=12), "normal"),
}


def tag_of(alert: UUID) -> str:
    """The tag of an alert that replaces none: 32 letters that do not repeat its id."""
    digest = hashlib.sha256(b"exit10 tag" + alert.bytes).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What the phone's service worker reads, before padding."""

    v: int = 1
    id: UUID
    tag: str
    kind: str
    lang: str
    title: str
    body: str
    url: str
    sent_at: datetime = msgspec.field(name="sentAt")


def payload(notification: Notification) -> bytes:
    """The notification as JSON of exactly `PAYLOAD_BYTES`, padded with blanks inside.

    Raises:
        ValueError: it does not fit; `text_bytes` and `text_limit` tell beforehand.
    """
    encoded = msgspec.json.encode(notification)
    room = PAYLOAD_BYTES - len(encoded) - len(b',"pad":""')
    if room < 0:
        raise ValueError("the notification does not fit")
    return encoded[:-1] + b',"pad":"' + b" " * room + b'"}'


def text_bytes(text: AlertText) -> int:
    """The size of an alert's text in JSON."""
    return len(msgspec.json.encode(text.title)) + len(msgspec.json.encode(text.body)) - 4


def text_limit(origin: str) -> int:
    """The size of text that is sure to fit beside everything else a payload holds."""
    longest = Notification(
        id=UUID(int=0),
        tag="x" * TOPIC_LETTERS,
        kind=max((kind.value for kind in AlertKind), key=len),
        lang="x" * 11,
        title="",
        body="",
        url=occurrence_url(origin, UUID(int=0)),
        sent_at=datetime.fromisoformat("2024-08-30T19:00:00.000001+09:00"),
    )
    return PAYLOAD_BYTES - len(msgspec.json.encode(longest)) - len(b',"pad":""')


def occurrence_url(origin: str, occurrence: UUID) -> str:
    """Where a tap on the notification leads. The fragment stays on the phone."""
    return f"{origin}/#occurrence={occurrence}"


def rounded(count: int) -> int:
    """A count of people as it may be shown: to the nearest 10, and 0 below 20."""
    return 0 if count < FEWEST_SHOWN else (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


class Outcome(Enum):
    """What became of one push."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    LATER = "later"


def outcome_of(status: int, host: str) -> Outcome:
    """What a push service's answer means (RFC 8030 sections 5 and 8.4; 429 of RFC 6585).

    Redirects are failures: they are never followed.
    """
    if status in (200, 201, 202, 204):
        return Outcome.DELIVERED
    if status in (404, 410) or (status == 403 and host == APPLE_HOST):  # noqa: PLR2004
        return Outcome.GONE
    if status in (408, 425, 429) or status >= 500:  # noqa: PLR2004
        return Outcome.LATER
    return Outcome.FAILED


FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=5)


def next_try(
    now: datetime,
    attempt: int,
    retry_after: timedelta | None,
    expires_at: datetime,
    spread: float = 0.0,
) -> datetime | None:
    """When to try again, or None when the alert is over by then.

    The delay doubles from two seconds up to five minutes and is never shorter than what the push
    service asked for.

    Args:
        spread: 0 to 1, by which up to a quarter is added, so that not all return at one instant.
    """
    delay = min(FIRST_DELAY * 2 ** min(attempt, 16), LONGEST_DELAY)
    delay += delay * spread / 4
    if retry_after is not None:
        delay = max(delay, retry_after)
    at = now + delay
    return at if at < expires_at else None


REMINDERS: Mapping[str, tuple[str, str]] = {
    "ko": ("{title}", "{when} {place}에서 모입니다."),
    "en": ("{title}", "{when} at {place}."),
}


def reminder_texts(
    titles: Mapping[str, str], places: Mapping[str, str], starts_at: datetime
) -> dict[str, AlertText]:
    """A reminder in each language of the series that has words for one; otherwise in Korean.

    Args:
        starts_at: in the series' own zone.
    """
    languages = [language for language in titles if language in REMINDERS] or ["ko"]
    texts: dict[str, AlertText] = {}
    for language in languages:
        title, body = REMINDERS[language]
        names = {
            "title": titles.get(language) or next(iter(titles.values())),
            "place": places.get(language) or next(iter(places.values())),
            "when": _when(language, starts_at),
        }
        texts[language] = AlertText(title=title.format(**names)[:120], body=body.format(**names))
    return texts


def _when(language: str, starts_at: datetime) -> str:
    if language == "ko":
        weekday = "월화수목금토일"[starts_at.weekday()]
        return f"{starts_at.month}월 {starts_at.day}일({weekday}) {starts_at:%H:%M}"
    return f"{starts_at:%A} {starts_at.day} {starts_at:%B}, {starts_at:%H:%M}"
