"""Reads back what the application writes to its log."""

import io
import json
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
import structlog

from backend.core import logs

Logged = Callable[[], list[dict[str, object]]]
"""Gives the log lines so far."""


@contextmanager
def logged_lines(monkeypatch: pytest.MonkeyPatch) -> Generator[Logged]:
    """Log at DEBUG into memory, and as before afterwards."""
    stream = io.StringIO()
    configuration = structlog.get_config()
    handlers, level = logging.root.handlers, logging.root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        logs.configure("debug", "api")
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        structlog.configure(**configuration)
        logging.root.handlers, logging.root.level = handlers, level
