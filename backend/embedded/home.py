"""The state folder of one machine: what lies where in it, whose it is, and who runs on it now.

It never changes the mode of a folder that it did not make, and never makes a system user.
"""

import base64
import errno
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from backend.core.children import PRIVATE_FILE, Account

PRIVATE_FOLDER = 0o700
PASSABLE_FOLDER = 0o711
READABLE_FILE = 0o644
SOCKET_FOLDER_LIMIT = 86
"""Longest folder that leaves room for `/.s.PGSQL.5432` in a socket's address (macOS: 104 bytes)."""

_PLAIN = re.compile(r"[\w/.+-]+")
_UNPRIVILEGED = ("postgres", "nobody")


class EmbeddedError(Exception):
    """The embedded system cannot run here. The message is a sentence that says what to do."""


def default_home(environment: Mapping[str, str]) -> Path:
    """EXIT10_HOME, or /var/lib/exit10 for root, or the user's state folder (XDG Base Directory).

    Raises:
        EmbeddedError: the user has no home.
    """
    if chosen := environment.get("EXIT10_HOME", "").strip():
        return Path(chosen).expanduser()
    if os.geteuid() == 0:
        return Path("/var/lib/exit10")
    state = environment.get("XDG_STATE_HOME", "").strip()
    # The specification has relative paths ignored.
    try:
        base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    except RuntimeError:
        raise EmbeddedError("This user has no home folder. Choose a folder with --home.") from None
    return base / "exit10"


def local_environment(environment: Mapping[str, str], *, keyring: bool) -> dict[str, str]:
    """`environment`, with what it does not say about servers and keys taken from the state folder.

    Only a worker gets a keyring: without `keyring` one that is set is taken away.

    Raises:
        EmbeddedError: there is no state folder that could be used.
    """
    ours = Home(default_home(environment)).environment(keyring=keyring)
    theirs = {name: value for name, value in environment.items() if value.strip()}
    complete = {**environment, **ours, **theirs}
    if not keyring:
        complete.pop("EXIT10_KEYRING", None)
    return complete


class Home:
    """One state folder. `hold` makes what is missing and keeps a second system off it."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.data = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.config = self.path / "config"
        self.log = self.path / "log"
        self.keyring = self.path / "keyring"
        self.programs = self.path / "programs"
        self.token_key_file = self.path / "token.key"
        self.valkey_password_file = self.path / "valkey-admin.password"
        self.account = self._account()
        self.sockets = self._socket_folder()
        self._lock: int | None = None

    @property
    def database_url(self) -> str:
        """Where the embedded Postgres of this folder answers (libpq form)."""
        return f"postgresql://exit10@/exit10?host={_quoted(self.sockets)}"

    @property
    def redis_url(self) -> str:
        """Where the embedded Valkey of this folder answers, for the application's user."""
        return f"unix://{_quoted(self.sockets / 'valkey.sock')}"

    def environment(self, *, keyring: bool) -> dict[str, str]:
        """The EXIT10_* variables of a process of this system. Only a worker gets the keyring."""
        variables = {
            "EXIT10_HOME": str(self.path),
            "EXIT10_DATABASE_URL": self.database_url,
            "EXIT10_REDIS_URL": self.redis_url,
            "EXIT10_TOKEN_KEY_FILE": str(self.token_key_file),
        }
        if keyring:
            variables["EXIT10_KEYRING"] = str(self.keyring)
        return variables

    def hold(self) -> None:
        """Make what is missing and keep the folder for this process until `release`.

        The kernel lets go of it when the process dies, however it dies.

        Raises:
            EmbeddedError: the folder cannot be written, or another process holds it.
        """
        try:
            self._make_root()
            self._take_lock()
            self._make_folders()
            self._write_once(self.token_key_file, _random_text())
            self._write_once(self.valkey_password_file, _random_text())
        except OSError as error:
            self.release()
            raise self.unusable(error) from None

    def release(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_configuration(self, name: str, text: str) -> Path:
        """Write a file that the servers' user reads but does not own.

        Raises:
            EmbeddedError: that user may not enter the state folder.
            OSError: it cannot be written.
        """
        barrier = self.barrier(self.config)
        if barrier is not None and self.account is not None:
            raise EmbeddedError(
                f"The servers run as the user {self.account.name}, who may not enter {barrier}. "
                "Choose a state folder elsewhere, for example --home /var/lib/exit10."
            )
        path = self.config / name
        path.write_text(text, "utf-8")
        path.chmod(PRIVATE_FILE if self.account is None else READABLE_FILE)
        return path

    def barrier(self, path: Path) -> Path | None:
        """The first folder on the way to `path` that the servers' user may not enter."""
        if self.account is None:
            return None
        for folder in reversed((path, *path.parents)):
            found = folder.stat()
            bits = stat.S_IXOTH
            if found.st_uid == self.account.uid:
                bits = stat.S_IXUSR
            elif found.st_gid == self.account.gid:
                bits = stat.S_IXGRP
            if stat.S_ISDIR(found.st_mode) and not found.st_mode & bits:
                return folder
        return None

    def unusable(self, error: OSError) -> EmbeddedError:
        """What to say when something in the folder cannot be made or read."""
        if error.errno == errno.ENOSPC:
            return EmbeddedError(
                f"The disk that holds {self.path} is full. Free some space (Exit 10 starts with "
                "about 100 MB), then start again."
            )
        return EmbeddedError(
            f"The state folder {self.path} cannot be used ({error.strerror}: {error.filename}). "
            "Choose one that you may write to, with --home or EXIT10_HOME."
        )

    def _make_root(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _make(self.path, self._passable)

    def _take_lock(self) -> None:
        if self._lock is not None:
            raise EmbeddedError(f"This process already runs a system on {self.path}.")
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise EmbeddedError(
                f"Exit 10 already runs on {self.path}. Stop it with Ctrl-C where it was started, "
                "or choose another state folder with --home."
            ) from None
        self._lock = descriptor

    def _make_folders(self) -> None:
        for folder in (self.config, self.programs):
            _make(folder, self._passable)
        for folder in (self.log, self.keyring):
            _make(folder, PRIVATE_FOLDER)
        for folder in (self.data, self.valkey, self.sockets):
            if not folder.exists():
                _make(folder, PRIVATE_FOLDER)
                if self.account is not None:
                    os.chown(folder, self.account.uid, self.account.gid)
        self._inspect_sockets()

    def _inspect_sockets(self) -> None:
        """A short folder under /tmp may have been laid there by somebody else."""
        found = self.sockets.lstat()
        owner = os.geteuid() if self.account is None else self.account.uid
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != owner
            or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise EmbeddedError(
                f"{self.sockets} is not a private folder of the user who runs the servers. "
                "Remove it, or choose a shorter state folder with --home."
            )

    @property
    def _passable(self) -> int:
        """The mode of folders on the way to what the servers' user reads."""
        return PRIVATE_FOLDER if self.account is None else PASSABLE_FOLDER

    def _account(self) -> Account | None:
        """Who runs the servers: oneself, but never root. An existing database keeps its owner."""
        if os.geteuid() != 0:
            return None
        try:
            owner = pwd.getpwuid(self.data.stat().st_uid)
            if owner.pw_uid != 0:
                return Account(owner.pw_name, owner.pw_uid, owner.pw_gid)
        except (OSError, KeyError):
            pass
        for name in _UNPRIVILEGED:
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
        raise EmbeddedError(
            "Postgres does not run as root, and there is no user `postgres` or `nobody` to run it "
            "as. Start Exit 10 as an ordinary user."
        )

    def _socket_folder(self) -> Path:
        """`run` inside, or a folder of its own where that is too long or needs quoting."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= SOCKET_FOLDER_LIMIT and _PLAIN.fullmatch(str(inside)):
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        base = "/run" if self.account else "/tmp"  # noqa: S108 - looked at before it is used
        return Path(base) / f"exit10-{os.geteuid()}-{digest}"

    def _write_once(self, path: Path, text: str) -> None:
        """Write a secret whole or not at all; an existing one stays as it is."""
        if path.exists():
            return
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _make(folder: Path, mode: int) -> None:
    if not folder.exists():
        folder.mkdir()
        folder.chmod(mode)


def _random_text() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def _quoted(path: Path) -> str:
    return quote(str(path))
