"""A rehearsal goes well only when every phone was reached and nothing was wrong."""

import io

import msgspec
import pytest
from rich.console import Console

from backend.drill.outcome import BATCH_SIZE, Outcome
from backend.drill.phones import Notification
from backend.drill.rehearsal import Rehearsed
from backend.drill.report import print_report
from backend.drill.verification import Findings
from schemas.alerts import Preview

PHONES = 1_000


def outcome(**changes: object) -> Outcome:
    """An outcome in which all went well, but for `changes`."""
    findings = Findings(messages=PHONES, shown=list(range(PHONES)))
    well = Outcome.of(
        findings,
        scenario="gangnam-friday",
        phones=PHONES,
        workers=2,
        subscribed=PHONES,
        subscribe_seconds=0.5,
        arrivals=[0.1 + number / PHONES for number in range(PHONES)],
        counted=PHONES,
        refused={},
        worker_peak_rss_mb=80.0,
        workers_killed=0,
    )
    return msgspec.structs.replace(well, **changes)


def test_a_rehearsal_without_fault_has_nothing_to_complain_of() -> None:
    well = outcome()

    assert well.complaints() == []
    assert (well.delivered, well.shown, well.duplicates) == (PHONES, PHONES, 0)
    assert (well.first_seconds, well.last_seconds) == (0.1, 1.099)
    assert well.per_second == pytest.approx(1001, rel=0.01)


@pytest.mark.parametrize(
    "field",
    [
        "undecryptable",
        "wrong_signature",
        "wrong_payload",
        "wrong_language",
        "wrong_tag",
        "duplicates",
    ],
)
def test_one_message_that_is_wrong_is_complained_of(field: str) -> None:
    assert len(outcome(**{field: 1}).complaints()) == 1


@pytest.mark.parametrize("field", ["subscribed", "delivered", "shown", "counted"])
def test_one_phone_that_is_missing_is_complained_of(field: str) -> None:
    assert len(outcome(**{field: PHONES - 1}).complaints()) == 1


def test_a_killed_worker_explains_one_batch_of_repeats_and_no_more() -> None:
    assert outcome(workers_killed=1, duplicates=BATCH_SIZE).complaints() == []
    assert len(outcome(workers_killed=1, duplicates=BATCH_SIZE + 1).complaints()) == 1


def test_nobody_reached_is_reported_and_not_divided_by() -> None:
    findings = Findings()
    nobody = Outcome.of(
        findings,
        scenario="gangnam-friday",
        phones=PHONES,
        workers=1,
        subscribed=PHONES,
        subscribe_seconds=0.0,
        arrivals=[],
        counted=0,
        refused={"500": 3_000},
        worker_peak_rss_mb=None,
        workers_killed=0,
    )

    text = printed(nobody, findings, [])

    assert (nobody.first_seconds, nobody.per_second) == (None, 0.0)
    assert "0 of 1,000 phones were reached." in text
    assert "500" in text


def test_the_report_shows_figures_a_drawing_and_the_screens_of_both_languages() -> None:
    findings = Findings(
        examples={
            "ko": Notification(
                "a", "모이는 곳이 바뀌었습니다", "11번 출구 앞에서 만나요.", "ko", "/"
            ),
            "en": Notification("a", "We meet somewhere else", "In front of Exit 11.", "en", "/"),
        }
    )

    text = printed(outcome(), findings, [number / PHONES for number in range(PHONES)])

    assert "모이는 곳이 바뀌었습니다" in text
    assert "We meet somewhere else" in text
    assert "█" in text
    assert "Every phone was reached" in text


def printed(figures: Outcome, findings: Findings, arrivals: list[float]) -> str:
    """The report as it appears in a terminal."""
    preview = Preview(texts={}, time_to_live_seconds=60, urgency="high", recipients=PHONES)
    terminal = io.StringIO()
    print_report(
        Rehearsed(outcome=figures, findings=findings, preview=preview, arrivals=arrivals),
        Console(file=terminal, width=100),
    )
    return terminal.getvalue()
