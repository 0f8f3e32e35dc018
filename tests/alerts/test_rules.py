"""What is decided about an alert without asking anybody."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.alerts import rules
from backend.alerts.breaker import LONGEST_PAUSE, TOLERATED, Breaker
from backend.alerts.rules import Outcome
from backend.alerts.webpush import Signer
from schemas.alerts import AlertKind, AlertText

NOW = datetime(2024, 8, 30, 10, 0, tzinfo=UTC)
HOST = "fcm.googleapis.com"


def notification(title: str, body: str) -> rules.Notification:
    return rules.Notification(
        id=UUID(int=1),
        tag=rules.tag_of(UUID(int=1)),
        kind="leave-now",
        lang="ko",
        title=title,
        body=body,
        url=rules.occurrence_url("https://rally.example", UUID(int=2)),
        sent_at=NOW,
    )


WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=120)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=7).map(" ".join))
def test_every_payload_has_one_size_and_says_what_was_written(title: str, body: str) -> None:
    text = AlertText(title=title, body=body)
    assume(rules.text_bytes(text) <= rules.text_limit("https://rally.example"))
    payload = rules.payload(notification(text.title, text.body))
    assert len(payload) == rules.PAYLOAD_BYTES
    read = msgspec.json.decode(payload)
    assert (read["title"], read["body"]) == (text.title, text.body)


def test_a_text_over_the_limit_does_not_fit() -> None:
    with pytest.raises(ValueError, match="fit"):
        rules.payload(notification("가", "가" * 700))


@given(st.integers(0, 100_000))
def test_a_shown_count_names_no_small_group(count: int) -> None:
    shown = rules.rounded(count)
    assert shown % 10 == 0
    assert (shown == 0) == (count < 20)
    assert count < 20 or abs(shown - count) <= 5


@pytest.mark.parametrize(
    ("status", "host", "outcome"),
    [
        (200, HOST, Outcome.DELIVERED),
        (201, HOST, Outcome.DELIVERED),
        (202, HOST, Outcome.DELIVERED),
        (302, HOST, Outcome.FAILED),
        (307, HOST, Outcome.FAILED),
        (400, HOST, Outcome.FAILED),
        (403, HOST, Outcome.FAILED),
        (403, rules.APPLE_HOST, Outcome.GONE),
        (404, HOST, Outcome.GONE),
        (410, HOST, Outcome.GONE),
        (413, HOST, Outcome.FAILED),
        (429, HOST, Outcome.LATER),
        (500, HOST, Outcome.LATER),
        (503, HOST, Outcome.LATER),
    ],
)
def test_what_push_services_mean(status: int, host: str, outcome: Outcome) -> None:
    assert rules.outcome_of(status, host) is outcome


@given(
    st.integers(0, 50),
    st.one_of(st.none(), st.timedeltas(timedelta(), timedelta(days=2))),
    st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
)
def test_the_next_try_waits_as_asked_and_never_outlives_the_alert(
    attempt: int, asked: timedelta | None, left: timedelta
) -> None:
    at = rules.next_try(NOW, attempt, asked, NOW + left)
    if at is None:
        assert left <= max(asked or timedelta(), rules.LONGEST_DELAY * 1.25)
    else:
        assert NOW + max(asked or timedelta(), rules.FIRST_DELAY) <= at < NOW + left


def test_every_kind_says_how_it_is_handled() -> None:
    assert set(rules.HANDLING) == set(AlertKind)
    assert all(handling.time_to_live > timedelta() for handling in rules.HANDLING.values())


def test_a_host_is_left_in_peace_ever_longer_and_forgiven_at_once() -> None:
    breaker, now, pauses = Breaker(), NOW, list[timedelta]()
    for _ in range(12):
        for _ in range(TOLERATED):
            breaker.refused(HOST, now, None)
        until = breaker.closed_until(HOST, now)
        assert until is not None
        pauses.append(until - now)
        now = until
        assert breaker.closed_until(HOST, now) is None
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    breaker.succeeded(HOST)
    for _ in range(TOLERATED - 1):
        breaker.refused(HOST, now, None)
    assert breaker.closed_until(HOST, now) is None


def test_what_a_host_asks_for_is_granted() -> None:
    breaker = Breaker()
    for _ in range(TOLERATED):
        breaker.refused(HOST, NOW, timedelta(hours=1))
    assert breaker.closed_until(HOST, NOW) == NOW + timedelta(hours=1)
    assert breaker.closed_until("web.push.apple.com", NOW) is None


def test_one_signature_serves_a_host_for_an_hour() -> None:
    signer = Signer(ec.generate_private_key(ec.SECP256R1()), "mailto:rally@rally.example")
    origin = f"https://{HOST}"
    first = signer.authorization(origin, NOW)
    assert signer.authorization(origin, NOW + timedelta(minutes=59)) == first
    assert signer.authorization(origin, NOW + timedelta(minutes=60)) != first
    assert signer.authorization("https://web.push.apple.com", NOW) != first


def test_reminders_speak_every_language_that_has_words_for_them() -> None:
    texts = rules.reminder_texts(
        {"ko": "금요일 집회", "en": "Friday rally", "xx": "—"},
        {"ko": "강남역 10번 출구", "en": "Gangnam Station Exit 10"},
        datetime.fromisoformat("2024-09-06T19:00:00+09:00"),
    )
    assert set(texts) == {"ko", "en"}
    assert texts["ko"].body == "9월 6일(금) 19:00 강남역 10번 출구에서 모입니다."
    assert texts["en"].body == "Friday 6 September, 19:00 at Gangnam Station Exit 10."
