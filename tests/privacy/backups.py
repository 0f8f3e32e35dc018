"""Backups as operators make them: pg_dump in plain text, and psql to bring one back."""

import subprocess
from pathlib import Path

from backend.embedded.postgres import WHEELS
from backend.embedded.wheels import package_folder


def pg_dump(url: str) -> bytes:
    """The whole database as SQL."""
    return _run("pg_dump", "--dbname", url)


def restore(dump: bytes, url: str) -> None:
    """Play a dump into an empty database."""
    _run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--dbname", url, said=dump)


def _run(name: str, *arguments: str, said: bytes = b"") -> bytes:
    done = subprocess.run(
        [_programs() / name, *arguments], input=said, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _programs() -> Path:
    for package, inside in WHEELS:
        folder = package_folder(package)
        if folder is not None:
            return folder / inside / "bin"
    raise LookupError("no wheel brings Postgres' programs")
