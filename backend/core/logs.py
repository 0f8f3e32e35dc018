"""Structured logs with an allow-list: a field that is not on it is never written.

Messages of libraries are reduced to their name and level, because their text may hold an address,
a value or a statement.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "process",
        "method",
        "route",
        "error",
        "sqlstate",
        "library",
        "alert",
        "batch",
        "job",
        "count",
        "epoch",
        "host",
        "status",
        "seconds",
        "setting",
    }
)
"""Every field a log line may have. The inventory explains each of them."""

log = structlog.stdlib.get_logger("exit10")


def _only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        name: value for name, value in event.items() if name in ALLOWED_FIELDS and value is not None
    }


class _Reduced(logging.Handler):
    """Stands in for the messages of libraries."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        _console.log(
            record.levelno,
            "library-message",
            library=record.name,
            error=error.__name__ if error else None,
        )


_console = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))


def configure(level: str, process: str) -> None:
    """Write JSON lines of at least `level` to standard error, each naming `process`."""
    global _console  # noqa: PLW0603 - one console for the process
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    _console = structlog.get_logger("libraries")
    logging.root.handlers = [_Reduced()]
    logging.root.setLevel(max(threshold, logging.WARNING))
