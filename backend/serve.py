"""Runs the API on granian: one process, access log off, nothing kept of who asks."""

import logging

from granian import Granian
from granian.constants import Interfaces, Loops

from backend.settings import Settings

BACKLOG = 2048


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code."""
    host, port = settings.bind
    logging.getLogger("_granian").setLevel(logging.WARNING)
    Granian(
        "backend.app:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        backlog=BACKLOG,
        log_enabled=False,
        log_access=False,
        websockets=False,
        workers_kill_timeout=10,
    ).serve()
    return 0
