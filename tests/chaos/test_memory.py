"""Ten times the phones need no more memory: not in the worker that reaches them, not in the API."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from backend.alerts.rules import tag_of
from tests.benchmarks.stage import TEXTS, Stage, stage
from tests.chaos.conftest import subscribe
from tests.support.processes import OwnProcess, RunningSystem, until
from tests.support.rally import Rally

FRIDAY = 22_000
TEN_FRIDAYS = 220_000
WORKER_MEBIBYTES = 150.0
API_MEBIBYTES = 120.0
GROWTH = 1.1
PATIENCE_SECONDS = 900.0


@pytest.mark.soak
async def test_a_worker_needs_no_more_memory_for_ten_fridays_than_for_one(tmp_path: Path) -> None:
    one = await peak_of_a_worker(FRIDAY, tmp_path / "one.log")
    ten = await peak_of_a_worker(TEN_FRIDAYS, tmp_path / "ten.log")

    print(f"a worker's peak: {one:.0f} MiB for {FRIDAY:,} phones, {ten:.0f} for {TEN_FRIDAYS:,}")
    assert ten <= WORKER_MEBIBYTES
    assert ten <= one * GROWTH


@pytest.mark.soak
async def test_an_api_to_which_a_friday_subscribes_stays_small(
    rally: Rally, system: RunningSystem
) -> None:
    before = system.api.peak_mebibytes()
    crowd = Rally(
        rally.client, rally.push, (rally.composer, rally.approver), rally.series, rally.occurrence
    )
    await subscribe(crowd, system.origin, FRIDAY)

    peak = system.api.peak_mebibytes()
    print(f"the API's peak: {before:.0f} MiB before, {peak:.0f} after {FRIDAY:,} subscriptions")
    assert peak <= API_MEBIBYTES


async def peak_of_a_worker(phones: int, log: Path) -> float:
    """The most memory, in MiB, that one worker needed to reach so many phones."""
    async with stage(phones) as ready:
        worker = OwnProcess("worker", ready.environment | {"EXIT10_LOG_LEVEL": "info"}, log)
        try:
            await until(lambda: worker.said("worker-ready"))
            await announce(ready)
            counts = await ready.push.reached(phones, PATIENCE_SECONDS)
            assert counts.accepted == phones
            return worker.peak_mebibytes()
        finally:
            worker.stop()


async def announce(ready: Stage) -> None:
    """Write an approved alert; the worker finds it by itself."""
    alert, now = uuid4(), datetime.now(UTC)
    connection = await asyncpg.connect(ready.database_url)
    try:
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
    finally:
        await connection.close()
