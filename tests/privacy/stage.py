"""Exit 10 as an operator runs it, at DEBUG: servers, one API, one worker, and all they print."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from backend.core.children import spawn, stop
from backend.core.migrate import migrate
from backend.drill.push_handle import PushServiceProcess
from backend.drill.system import free_port
from backend.embedded import EmbeddedSystem

READY_SECONDS = 30.0
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Stage:
    """A throw-away system whose processes are real ones."""

    def __init__(self, system: EmbeddedSystem, push: PushServiceProcess) -> None:
        self.system = system
        self.origin = f"http://127.0.0.1:{free_port()}"
        self._metrics = {"api": free_port(), "worker": free_port()}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("EXIT10_")},
            "EXIT10_LOG_LEVEL": "debug",
            "EXIT10_BIND": self.origin.removeprefix("http://"),
            "EXIT10_ORIGIN": self.origin,
            "EXIT10_REHEARSAL_PUSH_ORIGIN": push.origin,
            "EXIT10_REHEARSAL_PUSH_CA": str(push.authority),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    @contextmanager
    def set(cls, push: PushServiceProcess) -> Generator["Stage"]:
        """A system that sends to `push`, removed afterwards."""
        with EmbeddedSystem.throwaway() as system:
            migrate(system.postgres.url)
            stage = cls(system, push)
            try:
                stage._spawn("serve", "api", keyring=False)
                stage._spawn("worker", "worker", keyring=True)
                yield stage
            finally:
                stage.close()

    def log(self, name: str) -> Path:
        """What `postgres`, `valkey`, `api` or `worker` says, standard output and error alike."""
        return self.system.home.log / f"{name}.log"

    async def ready(self) -> None:
        """Wait until phones can subscribe."""
        ends = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient() as client:
            while time.monotonic() < ends:
                try:
                    if (await client.get(f"{self.origin}/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
        raise TimeoutError(self.log("api").read_text() + self.log("worker").read_text())

    async def metrics(self, name: str) -> str:
        """What `api` or `worker` shows of itself."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"http://127.0.0.1:{self._metrics[name]}/metrics", headers=OPENMETRICS
            )
        return answer.text

    def command(self, *words: str) -> str:
        """What `exit10 …` prints on this system."""
        done = subprocess.run(
            [sys.executable, "-m", "backend.cli", *words],
            env=self._environment | self.system.environment(keyring=False),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr

    def close(self) -> None:
        """Stop API and worker in order."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            stop(process, signal.SIGTERM, patience=15.0)

    def _spawn(self, command: str, name: str, *, keyring: bool) -> None:
        own = {"EXIT10_METRICS_BIND": f"127.0.0.1:{self._metrics[name]}"}
        process = spawn(
            [sys.executable, "-m", "backend.cli", command],
            environment=self._environment | self.system.environment(keyring=keyring) | own,
            log=self.log(name),
            parting_signal=signal.SIGTERM,
        )
        self._processes.append(process)
