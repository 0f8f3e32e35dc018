"""`exit10 up`: one command starts everything, one Ctrl-C stops it, and what goes wrong is said."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from backend.embedded import EmbeddedSystem
from backend.up import WORKER_PATIENCE_SECONDS

RUNNING = "Ctrl-C stops everything"
PATIENCE_SECONDS = 20.0


class Up:
    """`exit10 up` in a process of its own, as if it was typed."""

    def __init__(self, home: Path, *arguments: str, **variables: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.bind = f"127.0.0.1:{taken.getsockname()[1]}"
        self.origin = f"http://{self.bind}"
        self.said = ""
        bare = {name: value for name, value in os.environ.items() if not name.startswith("EXIT10_")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "backend.cli", "up"),
                *("--home", home, "--bind", self.bind, *arguments),
            ],
            env={**bare, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def listen_for(self, words: str) -> str:
        """Read on until `words` were said."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(self.said)

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Stop it and give its exit code."""
        self.process.send_signal(how)
        self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode

    def refusal(self) -> str:
        """What it says before it gives up by itself."""
        said, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 1, said
        return said

    def parts(self) -> dict[str, psutil.Process]:
        """Its children, by what they are."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            command = child.cmdline()
            name = (
                Path(command[0].split(" ")[0]).name if "backend.cli" not in command else command[3]
            )
            found[name] = child
        return found

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.origin + path, headers=headers)


Start = Callable[..., Up]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the servers' user may pass through, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="exit10-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    """Start it on one and the same folder; whatever runs in the end is stopped."""
    started: list[Up] = []

    def start(*arguments: str, **variables: str) -> Up:
        up = Up(place / "home", *arguments, **variables)
        started.append(up)
        return up

    yield start
    for up in started:
        with suppress(ProcessLookupError):
            up.end()


def test_a_first_organiser_is_invited_and_found_again_after_a_restart(start: Start) -> None:
    up = start()
    up.listen_for(RUNNING)
    assert "Friday rally at Gangnam Station Exit 10" in up.said
    invite = re.search(r"#invite=([\w-]{43})", up.said)
    assert invite
    token = secrets.token_urlsafe(32)
    redeemed = httpx.post(
        up.origin + "/v1/invites/redeem",
        json={"invite": invite[1]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert redeemed.status_code == 201
    assert up.end() == 0

    up = start()
    up.listen_for(RUNNING)
    assert "#invite=" not in up.said
    assert up.get("/v1/invites", authorization=f"Bearer {token}").status_code == 200
    assert up.end(signal.SIGTERM) == 0


def test_the_next_fridays_are_listed_by_the_first_answer(start: Start) -> None:
    up = start()
    up.listen_for(RUNNING)
    listed: list[dict[str, Any]] = up.get("/v1/occurrences?lang=ko").json()["items"]
    assert len(listed) >= 8
    assert {occurrence["startsAt"][11:] for occurrence in listed} == {"19:00:00+09:00"}


def test_ctrl_c_stops_every_process_that_was_started(start: Start) -> None:
    up = start("--workers", "2")
    up.listen_for(RUNNING)
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert len(up.parts()) >= 4
    assert up.end() == 0
    assert not [process for process in family if process.is_running()]


def test_a_second_ctrl_c_does_not_wait_for_what_hangs(start: Start) -> None:
    up = start()
    up.listen_for(RUNNING)
    up.parts()["worker"].suspend()
    up.process.send_signal(signal.SIGINT)
    up.listen_for("Stopping")
    with pytest.raises(subprocess.TimeoutExpired):
        up.process.wait(1)
    began = time.monotonic()
    assert up.end() == 0
    assert time.monotonic() - began < WORKER_PATIENCE_SECONDS / 2


def test_nothing_runs_on_when_it_is_killed_itself(start: Start) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent has died")
    up = start()
    up.listen_for(RUNNING)
    family = psutil.Process(up.process.pid).children(recursive=True)
    up.end(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert not alive
    start().listen_for(RUNNING)


def test_only_the_worker_knows_where_the_keys_are(start: Start) -> None:
    up = start()
    up.listen_for(RUNNING)
    parts = up.parts()
    assert "EXIT10_KEYRING" in parts["worker"].environ()
    assert "EXIT10_KEYRING" not in parts["serve"].environ()


@pytest.mark.parametrize(
    ("part", "name"), [("serve", "API"), ("worker", "worker 1"), ("postgres", "Postgres")]
)
def test_a_part_that_dies_is_started_again(start: Start, part: str, name: str) -> None:
    up = start()
    up.listen_for(RUNNING)
    up.parts()[part].kill()
    assert f"The {name} stopped by itself" in up.listen_for("started again")
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, base_url=up.origin) as client:
        for _ in range(100):
            with suppress(httpx.TransportError):
                if client.get("/health/ready").is_success:
                    break
        else:
            pytest.fail("it did not become ready again")


def test_a_part_that_keeps_dying_is_given_up_with_its_last_words(start: Start, place: Path) -> None:
    keyring = place / "keyring"
    keyring.mkdir()
    keyring.chmod(0o755)
    said = start(EXIT10_KEYRING=str(keyring)).refusal()
    assert "worker 1 stopped 3 times within a minute" in said
    assert "chmod 0700" in said


def test_a_busy_port_is_named_before_anything_starts(start: Start, place: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        said = start("--bind", taken).refusal()
    assert f"{taken} is in use by another program" in said
    assert not (place / "home" / "postgres" / "data").exists()


def test_a_second_start_on_the_same_folder_is_turned_away(start: Start, place: Path) -> None:
    start().listen_for(RUNNING)
    assert f"already runs on {place / 'home'}" in start().refusal()


def test_a_folder_that_cannot_be_written_is_named(start: Start) -> None:
    closed = "/proc/exit10" if os.geteuid() == 0 else "/exit10"
    assert f"{closed} cannot be used" in start("--home", closed).refusal()


def test_a_half_written_data_folder_is_named(start: Start, place: Path) -> None:
    data = place / "home" / "postgres" / "data"
    (data / "base").mkdir(parents=True)
    assert f"{data} is only half written" in start().refusal()


def test_a_wrong_setting_is_named(start: Start) -> None:
    assert "EXIT10_CONTACT" in start(EXIT10_CONTACT="rally").refusal()


def test_servers_that_exist_are_used_and_left_running(start: Start, place: Path) -> None:
    with EmbeddedSystem.throwaway() as given:
        up = start(
            EXIT10_DATABASE_URL=given.postgres.url,
            EXIT10_REDIS_URL=given.valkey.url,
        )
        up.listen_for(RUNNING)
        assert set(up.parts()) == {"serve", "worker"}
        assert up.end() == 0
        assert given.postgres.running
        assert given.valkey.running
    assert not (place / "home" / "postgres" / "data").exists()


def test_a_database_that_does_not_answer_is_told_without_its_password(start: Start) -> None:
    address = "postgresql://rally:canary-password@127.0.0.1:1/rally"
    said = start(EXIT10_DATABASE_URL=address).refusal()
    assert "refused" in said
    assert "canary-password" not in said
