"""The figures of a rehearsal, and whether it went well."""

from collections.abc import Sequence
from typing import Self

import msgspec

from backend.drill.verification import Findings

BATCH_SIZE = 500
"""Subscriptions that a worker leases at once, and so the most that one killed worker repeats."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Seconds count from the answer to the last approval."""

    scenario: str
    phones: int
    subscribed: int
    """Phones whose subscription was accepted."""
    delivered: int
    """Phones that at least one message was handed to."""
    shown: int
    """Phones that would show the alert, as composed, in their language, once."""
    duplicates: int
    """Messages beyond the first of each phone. All carry one tag, so that a phone shows one."""
    undecryptable: int
    wrong_signature: int
    wrong_payload: int
    wrong_language: int
    wrong_tag: int
    refused: dict[str, int]
    """Requests that the push service refused, by status."""
    counted: int
    """Phones that the system itself says it delivered to."""
    subscribe_seconds: float
    first_seconds: float | None
    last_seconds: float | None
    per_second: float
    """Phones reached per second, from the first to the last."""
    worker_peak_rss_mb: float | None
    """Most resident memory of one worker in MiB (VmHWM); None when the workers are not ours."""
    workers: int
    workers_killed: int
    batch_size: int = BATCH_SIZE

    @classmethod
    def of(
        cls,
        findings: Findings,
        *,
        scenario: str,
        phones: int,
        workers: int,
        subscribed: int,
        subscribe_seconds: float,
        arrivals: Sequence[float],
        counted: int,
        refused: dict[str, int],
        worker_peak_rss_mb: float | None,
        workers_killed: int,
    ) -> Self:
        """Sum up what phones report and what was measured. `arrivals` is in order."""
        first, last = (arrivals[0], arrivals[-1]) if arrivals else (None, None)
        under_way = (last or 0.0) - (first or 0.0)
        return cls(
            scenario=scenario,
            phones=phones,
            subscribed=subscribed,
            delivered=len(arrivals),
            shown=len(set(findings.shown)),
            duplicates=findings.messages - len(arrivals),
            undecryptable=findings.undecryptable,
            wrong_signature=findings.wrong_signature,
            wrong_payload=findings.wrong_payload,
            wrong_language=findings.wrong_language,
            wrong_tag=findings.wrong_tag,
            refused=refused,
            counted=counted,
            subscribe_seconds=_rounded(subscribe_seconds),
            first_seconds=None if first is None else _rounded(first),
            last_seconds=None if last is None else _rounded(last),
            per_second=round(len(arrivals) / under_way, 1) if under_way else 0.0,
            worker_peak_rss_mb=worker_peak_rss_mb,
            workers=workers,
            workers_killed=workers_killed,
        )

    def complaints(self) -> list[str]:
        """What went wrong, a sentence each; none when all is well."""
        missed = {
            "subscribed": self.subscribed,
            "were reached": self.delivered,
            "would show the alert": self.shown,
            "are counted by the system": self.counted,
        }
        wrong = {
            "cannot be decrypted": self.undecryptable,
            "have a wrong signature": self.wrong_signature,
            "have a wrong payload": self.wrong_payload,
            "are in a wrong language": self.wrong_language,
            "carry another tag": self.wrong_tag,
        }
        complaints = [
            f"{count:,} of {self.phones:,} phones {what}."
            for what, count in missed.items()
            if count != self.phones
        ]
        complaints += [f"{count:,} messages {what}." for what, count in wrong.items() if count]
        if self.duplicates > self.batch_size * self.workers_killed:
            complaints.append(
                f"{self.duplicates:,} messages came twice; {self.workers_killed} killed workers "
                f"explain {self.batch_size * self.workers_killed:,} at most."
            )
        return complaints


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
