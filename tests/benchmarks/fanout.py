"""Measures how fast one and two workers reach a crowd, against the baseline and the floor.

The worker is measured as the process it is, from the instant an alert is approved to the instant
the last phone is reached. Contenders take turns, so that a machine that slows down slows all.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import uuid4

import asyncpg
import msgspec
import psutil
from redis.asyncio import Redis

from backend.alerts.rules import tag_of
from backend.core.live import WORK, Live
from tests.benchmarks.stage import TEXTS, Stage, stage

PATIENCE_SECONDS = 600.0
WARM_UP_SECONDS = 2.0


class Run(msgspec.Struct, frozen=True):
    """One contender's turn."""

    contender: str
    seconds: float
    per_second: float
    cpu_microseconds: float
    """Processor time of the sending processes for each phone."""
    peak_rss_mb: float


async def measure(phones: int, rounds: int) -> list[Run]:
    """Let everybody have `rounds` turns, after one that is not counted."""
    runs: list[Run] = []
    async with stage(phones) as ready:
        for turn in range(rounds + 1):
            for run in (
                await _contender(ready, "baseline"),
                await _contender(ready, "floor"),
                await _workers(ready, 1),
                await _workers(ready, 2),
            ):
                print(
                    f"  {'warm-up' if turn == 0 else f'round {turn}'}: {run.contender:<12}"
                    f"{run.per_second:8.0f} phones/s",
                    file=sys.stderr,
                    flush=True,
                )
                if turn:
                    runs.append(run)
    return runs


def summary(runs: list[Run]) -> dict[str, float]:
    """Medians of each contender, and of the ratios taken round by round."""
    rates: dict[str, list[float]] = {}
    for run in runs:
        rates.setdefault(run.contender, []).append(run.per_second)

    def ratio(one: str, other: str) -> float:
        return median(a / b for a, b in zip(rates[one], rates[other], strict=True))

    return {
        **{f"{name}_per_second": median(values) for name, values in rates.items()},
        "one_worker_to_baseline": ratio("one-worker", "baseline"),
        "one_worker_to_floor": ratio("one-worker", "floor"),
        "two_workers_to_one": ratio("two-workers", "one-worker"),
    }


async def _contender(ready: Stage, name: str) -> Run:
    """A turn of the baseline or the floor."""
    await ready.push.start_over()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.contenders",
        name,
        env=ready.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    watched = [psutil.Process(process.pid)]
    used, went = _cpu(watched), time.monotonic()
    process.stdin.write(b"go\n")
    counts = await ready.push.reached(ready.phones, PATIENCE_SECONDS)
    run = _run(name, ready.phones, went, counts.last_at, watched, used)
    await process.wait()
    return run


async def _workers(ready: Stage, number: int) -> Run:
    """A turn of our own worker processes."""
    await ready.push.start_over()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "backend.cli", "worker", env=ready.environment
        )
        for _ in range(number)
    ]
    await asyncio.sleep(WARM_UP_SECONDS)
    watched = [psutil.Process(process.pid) for process in processes]
    used = _cpu(watched)
    went = await _approve(ready)
    counts = await ready.push.reached(ready.phones, PATIENCE_SECONDS)
    name = "one-worker" if number == 1 else "two-workers"
    run = _run(name, ready.phones, went, counts.last_at, watched, used)
    for process in processes:
        process.terminate()
    for process in processes:
        await process.wait()
    return run


async def _approve(ready: Stage) -> float:
    """Write an approved alert, tell the workers, and give the instant."""
    alert, now = uuid4(), datetime.now(UTC)
    connection = await asyncpg.connect(ready.database_url)
    redis = Redis.from_url(ready.redis_url)
    try:
        went = time.monotonic()
        await connection.execute(
            "insert into alert (id, series, occurrence, kind, texts, audiences, tag, state,"
            " composed_at, approved_at, expires_at)"
            " values ($1, $2, $3, 'change', $4, '{attendees}', $5, 'approved', $6, $6, $7)",
            alert,
            ready.series,
            ready.occurrence,
            msgspec.json.encode(TEXTS).decode(),
            tag_of(alert),
            now,
            now + timedelta(hours=1),
        )
        await Live(redis).tell(WORK)
    finally:
        await redis.aclose()
        await connection.close()
    return went


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _run(
    name: str,
    phones: int,
    went: float,
    last_at: float | None,
    watched: list[psutil.Process],
    used: float,
) -> Run:
    assert last_at is not None
    seconds = last_at - went
    return Run(
        contender=name,
        seconds=seconds,
        per_second=phones / seconds,
        cpu_microseconds=(_cpu(watched) - used) / phones * 1e6,
        peak_rss_mb=max(process.memory_info().rss for process in watched) / 1e6,
    )
