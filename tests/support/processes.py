"""The system as a rally runs it: API and workers in processes of their own, on durable servers.

Whatever is started here can be killed here. It knows nothing of what a test expects.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from backend.core.children import kill, last_lines, spawn, stop
from backend.core.migrate import migrate
from backend.drill.push_handle import PushServiceProcess
from backend.drill.system import free_port
from backend.embedded import EmbeddedSystem
from backend.settings import Settings

READY_SECONDS = 30.0
END_SECONDS = 20.0
GLANCE_SECONDS = 0.02

_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)
_KIB_PER_MIB = 1024


class OwnProcess:
    """`exit10 serve` or `exit10 worker`, started when this is made."""

    def __init__(self, command: str, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] = spawn(
            [sys.executable, "-m", "backend.cli", command],
            environment=environment,
            log=log,
            parting_signal=signal.SIGTERM,
        )

    @property
    def pid(self) -> int:
        """The process that was started; `family` has its children, too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def family(self) -> list[psutil.Process]:
        """The process and what it started."""
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def kill(self) -> None:
        """Kill −9, children included."""
        kill(self._process)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        self._process.send_signal(number)

    async def ended(self, within: float) -> int:
        """Wait for its end; gives the exit code, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still runs after `within` seconds.
        """
        return await asyncio.to_thread(self._process.wait, within)

    def stop(self) -> None:
        """Let it finish, and kill it when it does not."""
        stop(self._process, signal.SIGTERM, patience=END_SECONDS)

    def said(self, event: str) -> bool:
        """Whether its log has a line of this name."""
        return f'"{event}"' in self.log.read_text("utf-8")

    def files(self) -> int:
        """How many files, sockets and pipes it and its children hold open."""
        return sum(process.num_fds() for process in self.family())

    def peak_mebibytes(self) -> float:
        """The most resident memory that it or one of its children ever held (Linux)."""
        return max(
            int(found[1]) / _KIB_PER_MIB
            for process in self.family()
            if (found := _PEAK.search(Path(f"/proc/{process.pid}/status").read_text("ascii")))
        )


class RunningSystem:
    """Servers, API and workers that send to one push service."""

    def __init__(self, servers: EmbeddedSystem, push: PushServiceProcess) -> None:
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self.servers = servers
        self.workers: list[OwnProcess] = []
        self._api: OwnProcess | None = None
        self._own = {
            "EXIT10_BIND": f"127.0.0.1:{port}",
            "EXIT10_ORIGIN": self.origin,
            "EXIT10_METRICS_BIND": "",
            "EXIT10_REHEARSAL_PUSH_ORIGIN": push.origin,
            "EXIT10_REHEARSAL_PUSH_CA": str(push.authority),
        }

    @property
    def api(self) -> OwnProcess:
        """The API."""
        assert self._api is not None
        return self._api

    def settings(self) -> Settings:
        """What its processes read from their environment."""
        return Settings.from_environment(self._environment(keyring=True))

    async def open_api(self) -> None:
        """Start the API, if it does not run, and wait until it serves."""
        if self._api is None or not self._api.running:
            log = self.servers.home.log / "api.log"
            self._api = OwnProcess("serve", self._environment(keyring=False), log)
        api = self._api
        async with httpx.AsyncClient(base_url=self.origin) as client:
            await until(lambda: not api.running or _is_served(client))
        assert api.running, "\n".join(last_lines(api.log))

    def start_worker(self) -> OwnProcess:
        """Start a worker, and wait for nothing."""
        log = self.servers.home.log / f"worker-{len(self.workers) + 1}.log"
        worker = OwnProcess("worker", self._environment(keyring=True), log)
        self.workers.append(worker)
        return worker

    async def worker(self) -> OwnProcess:
        """Start a worker and wait until it looks for work."""
        worker = self.start_worker()
        await until(lambda: not worker.running or worker.said("worker-ready"))
        assert worker.running, "\n".join(last_lines(worker.log))
        return worker

    def stop_workers(self) -> None:
        """Let all workers finish."""
        for worker in self.workers:
            worker.stop()

    def close(self) -> None:
        """Stop API and workers; the servers are somebody else's."""
        self.stop_workers()
        if self._api is not None:
            self._api.stop()

    def _environment(self, *, keyring: bool) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return inherited | self.servers.environment(keyring=keyring) | self._own


@contextmanager
def durable_servers() -> Generator[EmbeddedSystem]:
    """Migrated servers that lose nothing they acknowledged, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="exit10-"))
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)  # the servers' user passes through; what lies inside is private
        with EmbeddedSystem(folder) as servers:
            migrate(servers.home.database_url)
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def until(holds: Callable[[], object], within: float = READY_SECONDS) -> None:
    """Look again and again until `holds()`, or what it gives when awaited, is true.

    Raises:
        TimeoutError: it was not, for `within` seconds.
    """
    ends = time.monotonic() + within
    while True:
        found = holds()
        if await found if asyncio.iscoroutine(found) else found:
            return
        if time.monotonic() > ends:
            raise TimeoutError
        await asyncio.sleep(GLANCE_SECONDS)


async def _is_served(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/live")).status_code == 200
    except httpx.HTTPError:
        return False
