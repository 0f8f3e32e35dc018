"""The whole rehearsal on a throw-away system: invites, phones, approval, fan-out, reading."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import asyncpg
import msgspec
import pytest

from backend.core.clock import system_clock
from backend.drill import push_faults
from backend.drill.api_client import Api
from backend.drill.certificates import ensure_certificates
from backend.drill.outcome import BATCH_SIZE, Outcome
from backend.drill.push_faults import Fault
from backend.drill.push_handle import PushServiceProcess
from backend.drill.rehearsal import Plan, Rehearsal, Rehearsed
from backend.drill.scenario import GANGNAM_FRIDAY, HYEHWA_2018, Scenario
from backend.drill.system import ThrowawaySystem, free_port
from backend.drill.verification import process_pool

PHONES = 60
DRILL = [sys.executable, "-m", "backend.cli", "drill"]

Rehearse = Callable[[Plan], Awaitable[Rehearsed]]


class Silent:
    """Looks on and says nothing."""

    def stage(self, name: str, total: int | None = None) -> None: ...

    def reach(self, done: int) -> None: ...

    def note(self, sentence: str) -> None: ...


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with process_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def system() -> Iterator[ThrowawaySystem]:
    with ThrowawaySystem.running() as system:
        yield system


@pytest.fixture(scope="module")
async def api(system: ThrowawaySystem, push: PushServiceProcess) -> AsyncIterator[Api]:
    async with Api(system.origin) as api:
        await system.open(api, push.origin, push.authority, workers=1)
        yield api


@pytest.fixture
async def rehearse(
    api: Api,
    push: PushServiceProcess,
    system: ThrowawaySystem,
    pool: ProcessPoolExecutor,
    tmp_path: Path,
) -> Rehearse:
    """Rehearse a plan on the system, for a new crowd with organisers of its own."""

    async def rehearse(plan: Plan) -> Rehearsed:
        rehearsal = Rehearsal(
            plan,
            api=api,
            push=push,
            workers=system,
            pool=pool,
            folder=tmp_path,
            clock=system_clock,
            watcher=Silent(),
        )
        invites = [await asyncio.to_thread(system.invite) for _ in range(2)]
        return await rehearsal.run(*invites)

    return rehearse


def plan(scenario: Scenario = GANGNAM_FRIDAY, phones: int = PHONES, **choices: bool) -> Plan:
    patience = 30 if choices else 3
    return Plan(scenario=scenario, phones=phones, workers=1, patience=patience, **choices)


@pytest.mark.parametrize("scenario", [GANGNAM_FRIDAY, HYEHWA_2018], ids=lambda each: each.name)
async def test_every_phone_of_a_crowd_is_reached_in_its_language(
    rehearse: Rehearse, scenario: Scenario
) -> None:
    rehearsed = await rehearse(plan(scenario))

    assert rehearsed.outcome.complaints() == []
    assert rehearsed.outcome.shown == PHONES
    assert {language: shown.title for language, shown in rehearsed.findings.examples.items()} == {
        language: text.title for language, text in scenario.alert_texts.items()
    }


@pytest.mark.parametrize("fault", [push_faults.GONE, push_faults.redirect()])
async def test_one_phone_that_is_not_reached_is_noticed(
    rehearse: Rehearse, push: PushServiceProcess, fault: Fault
) -> None:
    await push.fail(fault, [push.subscribed])

    outcome = (await rehearse(plan())).outcome
    await push.heal()

    assert (outcome.subscribed, outcome.delivered, outcome.counted) == (
        PHONES,
        PHONES - 1,
        PHONES - 1,
    )
    assert outcome.complaints()


async def test_a_worker_killed_in_mid_fan_out_costs_no_phone(rehearse: Rehearse) -> None:
    phones = BATCH_SIZE * 3

    outcome = (await rehearse(plan(phones=phones, kill_worker=True))).outcome

    assert outcome.complaints() == []
    assert (outcome.workers_killed, outcome.shown) == (1, phones)
    assert outcome.duplicates <= BATCH_SIZE


def test_the_command_prints_its_figures_in_the_last_line() -> None:
    done = subprocess.run(
        [*DRILL, "--phones", str(PHONES), "--json"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    outcome = msgspec.json.decode(done.stdout.splitlines()[-1], type=Outcome)
    assert (outcome.phones, outcome.shown, outcome.workers_killed) == (PHONES, PHONES, 0)


def test_ctrl_c_leaves_neither_processes_nor_folders() -> None:
    before = set(Path(tempfile.gettempdir()).glob("exit10-*"))
    drill = subprocess.Popen(DRILL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folders := set(Path(tempfile.gettempdir()).glob("exit10-*")) - before):
        time.sleep(0.1)
    time.sleep(3)

    drill.send_signal(signal.SIGINT)

    assert drill.wait(timeout=30) != 0
    assert not [folder for folder in folders if folder.exists()]


def test_against_a_running_system_the_command_first_says_how_to_start_it(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    done = subprocess.run(
        [*DRILL, "--against", "http://localhost:1", "--push-cert-dir", str(certificates)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "EXIT10_REHEARSAL_PUSH_ORIGIN=https://localhost:9443" in done.stderr
    assert f"EXIT10_REHEARSAL_PUSH_CA={certificates / 'ca.pem'}" in done.stderr
    assert (certificates / "ca.pem").is_file()


def test_a_rehearsal_on_a_running_system_leaves_only_an_ended_series(tmp_path: Path) -> None:
    port = free_port()
    origin = f"https://localhost:{port}"
    authority, _ = ensure_certificates(tmp_path, "localhost", system_clock())
    with ThrowawaySystem.running() as system:

        async def open_system() -> str:
            async with Api(system.origin) as api:
                await system.open(api, origin, authority, workers=1)
            return system.invite()

        options = ["--against", system.origin, "--invite", asyncio.run(open_system())]
        options += ["--push-bind", f"localhost:{port}", "--push-cert-dir", str(tmp_path)]
        done = subprocess.run(
            [*DRILL, *options, "--phones", str(PHONES), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        outcome = msgspec.json.decode(done.stdout.splitlines()[-1], type=Outcome)
        assert (outcome.shown, outcome.worker_peak_rss_mb) == (PHONES, None)
        assert asyncio.run(left_behind(system.database_url)) == (0, ["ended"])


async def left_behind(database_url: str) -> tuple[int, list[str]]:
    """Subscriptions in a database, and the states of its series."""
    connection = await asyncpg.connect(database_url)
    try:
        subscriptions = await connection.fetchval("select count(*) from subscription")
        states = await connection.fetch("select state from series")
        return int(subscriptions), [str(row["state"]) for row in states]
    finally:
        await connection.close()
