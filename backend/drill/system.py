"""The throw-away system that is rehearsed when none is named: its servers, its API, its workers."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.core.children import kill, last_lines, spawn, stop
from backend.core.migrate import MigrationError, migrate
from backend.drill.api_client import Api, ApiError, ApiUnreachableError
from backend.embedded import EmbeddedError, EmbeddedSystem

_READY_SECONDS = 30.0
_DRAIN_SECONDS = 10.0
_GLANCE_SECONDS = 0.05
_KIB_PER_MIB = 1024
_INVITE = re.compile(r"#invite=([A-Za-z0-9_-]{43})")
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


class SystemUnusableError(Exception):
    """The system cannot be used. The message is a sentence that says what to do."""


class ThrowawaySystem:
    """Embedded servers, one API and some workers, as `exit10 up` would run them.

    Nothing of it outlives `running`: its folder is removed, and its processes end with this one
    even when this one is killed.
    """

    def __init__(self, embedded: EmbeddedSystem) -> None:
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self._embedded = embedded
        self.database_url = embedded.home.database_url
        self._bind = f"127.0.0.1:{port}"
        self._api: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []
        self._push: dict[str, str] = {}
        self._peaks_kib: list[int] = []

    @classmethod
    @contextmanager
    def running(cls) -> Generator["ThrowawaySystem"]:
        """A migrated, empty system without processes of ours; `open` starts them.

        Raises:
            SystemUnusableError: the servers or the migrations failed.
        """
        try:
            with EmbeddedSystem.throwaway() as embedded:
                migrate(embedded.home.database_url)
                system = cls(embedded)
                try:
                    yield system
                finally:
                    system.close()
        except (EmbeddedError, MigrationError) as error:
            raise SystemUnusableError(str(error)) from None

    async def open(self, api: Api, push_origin: str, push_authority: Path, workers: int) -> None:
        """Start API and workers that trust a push service, and wait until all is ready.

        Raises:
            SystemUnusableError: something did not start; the message holds the end of its log.
        """
        self._push = {
            "EXIT10_REHEARSAL_PUSH_ORIGIN": push_origin,
            "EXIT10_REHEARSAL_PUSH_CA": str(push_authority),
        }
        self._api = self._spawn("serve", "api")
        for _ in range(workers):
            self.start_one()
        await self._ready(api)

    def invite(self) -> str:
        """Make an invite for an administrator as an operator does; returns its token.

        Raises:
            SystemUnusableError: the command failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "backend.cli", "invite"],
            env=self._environment(keyring=False),
            capture_output=True,
            text=True,
            check=False,
        )
        found = _INVITE.search(done.stdout)
        if found is None:
            raise SystemUnusableError(f"`exit10 invite` gave no invite. {done.stderr.strip()}")
        return found[1]

    def start_one(self) -> None:
        """Start a worker."""
        name = f"worker-{len(self._workers) + 1}"
        self._workers.append(self._spawn("worker", name, keyring=True))

    def kill_one(self) -> None:
        """Kill −9 the worker that was started first."""
        victim = next(worker for worker in self._workers if worker.poll() is None)
        self._remember_peaks()
        kill(victim)

    def peak_rss_mb(self) -> float | None:
        """Most resident memory that any worker held so far, in MiB; None where nobody keeps it."""
        self._remember_peaks()
        return round(max(self._peaks_kib) / _KIB_PER_MIB, 1) if self._peaks_kib else None

    def close(self) -> None:
        """Stop API and workers."""
        processes = [*self._workers, *([self._api] if self._api else [])]
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in processes:
            stop(process, signal.SIGTERM, patience=_DRAIN_SECONDS)

    def _remember_peaks(self) -> None:
        for worker in self._workers:
            with suppress(OSError):
                status = Path(f"/proc/{worker.pid}/status").read_text("ascii", "replace")
                self._peaks_kib += map(int, _PEAK.findall(status))

    def _spawn(self, command: str, name: str, *, keyring: bool = False) -> subprocess.Popen[bytes]:
        return spawn(
            [sys.executable, "-m", "backend.cli", command],
            environment=self._environment(keyring=keyring),
            log=self._log(name),
            parting_signal=signal.SIGTERM,
        )

    def _environment(self, *, keyring: bool) -> Mapping[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("EXIT10_")
        }
        own = {"EXIT10_BIND": self._bind, "EXIT10_ORIGIN": self.origin, "EXIT10_METRICS_BIND": ""}
        return inherited | self._embedded.environment(keyring=keyring) | own | self._push

    def _log(self, name: str) -> Path:
        return self._embedded.home.log / f"{name}.log"

    async def _ready(self, api: Api) -> None:
        """Wait until the API answers and a worker has made the keys."""
        ends = time.monotonic() + _READY_SECONDS
        while not await _is_ready(api):
            self._require_running()
            if time.monotonic() > ends:
                raise SystemUnusableError(
                    f"The system was not ready in {_READY_SECONDS:.0f} seconds."
                )
            await asyncio.sleep(_GLANCE_SECONDS)

    def _require_running(self) -> None:
        names = ["api", *(f"worker-{number + 1}" for number in range(len(self._workers)))]
        for name, process in zip(names, [self._api, *self._workers], strict=True):
            if process is not None and process.poll() is not None:
                words = "\n".join(f"  {line}" for line in last_lines(self._log(name)))
                raise SystemUnusableError(
                    f"The {name} stopped by itself. The end of its log:\n{words}"
                )


async def _is_ready(api: Api) -> bool:
    try:
        await api.send("GET", "/health/ready", tries=1)
    except (ApiError, ApiUnreachableError):
        return False
    return True


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
