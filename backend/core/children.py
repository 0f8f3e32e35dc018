"""Starts child processes that end when this one does, kill -9 included, and leave no core file.

It never passes them a terminal: a Ctrl-C reaches this process only, which then stops them in order.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypedDict

PRIVATE_FILE = 0o600

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

# Linux sends the parting signal when the *thread* that forked ends (prctl(2)), so every child is
# forked from one thread that lives as long as the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="exit10-spawner")


class Account(NamedTuple):
    """A system user that a child runs as."""

    name: str
    uid: int
    gid: int


class Identity(TypedDict, total=False):
    """The arguments by which `subprocess` runs something as another user."""

    user: int
    group: int
    extra_groups: list[int]


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    parting_signal: signal.Signals,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output in `log` (mode 0600).

    What the run before wrote stays beside it as `.old`. `parting_signal` is what the kernel sends
    the child when this process vanishes (Linux only).

    Raises:
        OSError: the program or the log cannot be used.
    """
    if log.exists():
        log.replace(log.with_suffix(".old"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE_FILE)
    try:
        start = partial(
            subprocess.Popen[bytes],
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=partial(_prepare, parting_signal, os.getpid()),
            **identity(account),
        )
        return _spawner.submit(start).result()
    finally:
        os.close(descriptor)


def identity(account: Account | None) -> Identity:
    """How to run something as `account`, or as oneself."""
    if account is None:
        return Identity()
    return Identity(user=account.uid, group=account.gid, extra_groups=[])


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, patience: float) -> None:
    """Send each signal in turn until the process has ended, waiting `patience` seconds each time.

    What outlives the last one is killed with all that it started.
    """
    for number in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group at once (SIGKILL)."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_lines(log: Path, count: int = 8) -> list[str]:
    """The last lines of a child's log, or none when it cannot be read."""
    try:
        return log.read_text("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []


def _prepare(parting_signal: signal.Signals, parent: int) -> None:
    # A limit of one byte, unlike none, also keeps the kernel from feeding a core handler (core(5)).
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if hard == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(parting_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
