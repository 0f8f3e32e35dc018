"""Log lines hold what is on the list and nothing else, at any level."""

import json
import logging

from backend.core import logs
from tests.support.logs import Logged

CANARY = "canary-203-0-113-7"


def fail() -> None:
    raise ValueError(CANARY)


def test_bad_input_78_a_field_that_is_not_on_the_list_is_dropped_even_at_debug(
    logged: Logged,
) -> None:
    logs.log.debug(
        "batch-sent", batch="b1", count=500, endpoint=CANARY, ip=CANARY, token=CANARY, body=CANARY
    )
    (line,) = logged()
    assert line.pop("timestamp")
    assert line == {
        "event": "batch-sent",
        "level": "debug",
        "process": "api",
        "batch": "b1",
        "count": 500,
    }


def test_a_librarys_message_is_reduced_to_its_name(logged: Logged) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("some.library").exception("could not reach %s", CANARY)
    logging.getLogger("some.library").warning(CANARY, extra={"client": CANARY})
    first, second = logged()
    assert first["event"] == second["event"] == "library-message"
    assert first["library"] == "some.library"
    assert first["error"] == "ValueError"
    assert (first["level"], second["level"]) == ("error", "warning")
    assert CANARY not in json.dumps([first, second])


def test_libraries_say_nothing_below_a_warning(logged: Logged) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://push.example/%s", CANARY)
    logging.getLogger("asyncio").debug(CANARY)
    assert logged() == []


def test_what_went_wrong_is_told_without_its_message(logged: Logged) -> None:
    try:
        fail()
    except ValueError:
        logs.log.error("job-failed", job="remind", error="ValueError", exc_info=True)
    (line,) = logged()
    assert line["job"] == "remind"
    assert CANARY not in json.dumps(line)


def test_no_field_on_the_list_can_hold_an_identity() -> None:
    suspects = {"ip", "client", "user_agent", "endpoint", "token", "query", "path", "url", "body"}
    assert not logs.ALLOWED_FIELDS & suspects
