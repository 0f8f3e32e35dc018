"""The same rehearsal with ten times the crowd: a worker's memory must not grow with it."""

import subprocess
import sys

import msgspec
import pytest

from backend.drill.outcome import Outcome

MOST_MEBIBYTES = 150
MOST_GROWTH = 1.1


def rehearse(scale: int) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", "drill", "--scale", str(scale), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Outcome)


@pytest.mark.soak
def test_a_worker_needs_no_more_memory_for_220_000_phones_than_for_22_000() -> None:
    once, ten_times = rehearse(1), rehearse(10)

    assert (once.shown, ten_times.shown) == (22_000, 220_000)
    assert once.worker_peak_rss_mb is not None
    assert ten_times.worker_peak_rss_mb is not None
    assert ten_times.worker_peak_rss_mb <= MOST_MEBIBYTES
    assert ten_times.worker_peak_rss_mb <= once.worker_peak_rss_mb * MOST_GROWTH
