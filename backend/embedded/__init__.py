"""Postgres and Valkey from wheels, for one machine without set-up.

They answer on unix sockets in a private folder only, never on a network, log no statement and no
value, and end with the process that started them. Root starts them as an unprivileged user.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from backend.embedded.home import EmbeddedError, Home, default_home, local_environment
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.valkey import EmbeddedValkey

__all__ = [
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedSystem",
    "EmbeddedValkey",
    "Home",
    "default_home",
    "local_environment",
]


class EmbeddedSystem:
    """Both servers on one state folder, and the secrets that processes on it share."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = Home(home)
        self.postgres = EmbeddedPostgres(self.home, durable=durable)
        self.valkey = EmbeddedValkey(self.home)

    @classmethod
    @contextmanager
    def throwaway(cls) -> Generator["EmbeddedSystem"]:
        """A running system in a new folder, quick rather than durable, removed afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="exit10-"))
        try:
            if os.geteuid() == 0:
                folder.chmod(0o711)  # the servers' user passes through; what lies inside is private
            with cls(folder, durable=False) as system:
                yield system
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def environment(self, *, keyring: bool) -> dict[str, str]:
        """The EXIT10_* variables of a process of this system. Only a worker gets the keyring."""
        return self.home.environment(keyring=keyring)

    def start(self) -> None:
        """Take the folder and start both servers, side by side.

        Raises:
            EmbeddedError: something is in the way; the message says what to do.
        """
        self.home.hold()
        try:
            self.valkey.launch()
            self.postgres.start()
            self.valkey.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both servers and let go of the folder."""
        self.valkey.stop()
        self.postgres.stop()
        self.home.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
