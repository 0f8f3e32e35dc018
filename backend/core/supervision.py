"""Keeps processes running: restarts what ends by itself, and stops everything in order.

It never restarts without end: what ends three times within a minute is given up.
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backend.core.children import kill, last_lines, spawn, stop

CRASHES = 3
CRASH_WINDOW_SECONDS = 60.0


class GaveUp(Exception):  # noqa: N818 - reads as what happened
    """A part keeps ending by itself. The message holds the end of its log."""


class Part(Protocol):
    """Something that is kept running."""

    @property
    def running(self) -> bool: ...

    @property
    def log(self) -> Path: ...

    def start(self) -> object: ...

    def stop(self) -> None: ...


class Program:
    """One of Exit 10's own processes."""

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], log: Path, patience: float
    ) -> None:
        self._command = [sys.executable, "-m", "backend.cli", *arguments]
        self._environment = environment
        self._log = log
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._log

    def start(self) -> None:
        """Start it, not waiting for anything, after ending what a crash left of it.

        Raises:
            OSError: the log cannot be written.
        """
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process = spawn(
            self._command,
            environment=self._environment,
            log=self._log,
            parting_signal=signal.SIGTERM,
        )

    def stop(self) -> None:
        """Let it finish what it does, for as long as its patience lasts."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, patience=self._patience)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            kill(self._process)


class Supervisor:
    """Starts parts, restarts those that end by themselves, and stops them in reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stages: list[Mapping[str, Part]] = []
        self._crashes: dict[str, deque[float]] = {}

    def adopt(self, parts: Mapping[str, Part]) -> None:
        """Watch parts that may stop side by side, by name. What is adopted last stops first."""
        self._stages.append(parts)

    def watch(self) -> None:
        """Restart every part that has ended by itself.

        Raises:
            GaveUp: one of them did so three times within a minute.
        """
        for stage in self._stages:
            for name, part in stage.items():
                if not part.running:
                    self._revive(name, part)

    def stop(self) -> None:
        """Stop everything, each part with the patience that it needs."""
        for stage in reversed(self._stages):
            with ThreadPoolExecutor(max_workers=len(stage)) as stopping:
                for part in stage.values():
                    stopping.submit(part.stop)

    def hurry(self) -> None:
        """End our own programs at once; the servers still shut down in order."""
        for stage in self._stages:
            for part in stage.values():
                if isinstance(part, Program):
                    part.kill()

    def _revive(self, name: str, part: Part) -> None:
        now = time.monotonic()
        crashes = self._crashes.setdefault(name, deque(maxlen=CRASHES))
        crashes.append(now)
        if len(crashes) == CRASHES and now - crashes[0] < CRASH_WINDOW_SECONDS:
            words = "\n".join(f"  {line}" for line in last_lines(part.log))
            raise GaveUp(
                f"The {name} stopped {CRASHES} times within a minute, so Exit 10 gives up. "
                f"The end of {part.log}:\n{words}"
            )
        self._say(f"The {name} stopped by itself and is started again. Its log is {part.log}.")
        part.start()
