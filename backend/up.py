"""Runs all of Exit 10 on one machine in the foreground, and stops what it started.

Servers that EXIT10_DATABASE_URL or EXIT10_REDIS_URL name are used; the others are started here. The
API never gets the keyring. Nothing that a person sent is ever printed.
"""

import argparse
import asyncio
import errno
import http.client
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import msgspec
from rich.console import Console

from backend.coalition import commands
from backend.core.migrate import MigrationError, migrate
from backend.core.supervision import GaveUp, Program, Supervisor
from backend.embedded import (
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedValkey,
    Home,
    local_environment,
)
from backend.events import friday
from backend.settings import Settings, SettingsError
from schemas.events import Occurrence, OccurrencePage

READY_SECONDS = 30.0
API_PATIENCE_SECONDS = 5.0
WORKER_PATIENCE_SECONDS = 10.0
MOST_WORKERS = 16
NEXT_GATHERINGS = 3

_WATCH_SECONDS = 0.2
_GLANCE_SECONDS = 0.02
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)


class UpError(Exception):
    """Exit 10 cannot run on. The message is a sentence that says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `exit10 up` may be told."""
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep everything in FOLDER")
    parser.add_argument("--bind", metavar="HOST:PORT", help="answer there, not at 127.0.0.1:8010")
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="how many send alerts (1)"
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM (exit code 0), or until something is in the way (1)."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
        signal.signal(signal.SIGHUP, _interrupt)
    supervisor = Supervisor(_complain)

    def hurry(_: int, __: FrameType | None) -> None:
        supervisor.hurry()

    home: Home | None = None
    try:
        variables = _variables(options.home, options.bind)
        home = Home(Path(variables["EXIT10_HOME"]))
        home.hold()
        settings = Settings.from_environment(variables)
        _require_free(settings.bind)
        _start(supervisor, home, variables, options.workers)
        invite = asyncio.run(_prepare(settings))
        _await_ready(supervisor, settings.bind)
        _greet(settings, home, invite)
        while True:
            time.sleep(_WATCH_SECONDS)
            supervisor.watch()
    except KeyboardInterrupt:
        _console.print("Stopping, once what is being sent has been sent. Ctrl-C again: at once.")
        return 0
    except (EmbeddedError, GaveUp, MigrationError, SettingsError, UpError) as error:
        _complain(str(error))
        return 1
    finally:
        for number in _SIGNALS:
            signal.signal(number, hurry)
        supervisor.stop()
        if home is not None:
            home.release()


def _start(supervisor: Supervisor, home: Home, variables: Mapping[str, str], workers: int) -> None:
    """Start the servers that were not given, migrate, then start API and workers."""
    postgres, valkey = EmbeddedPostgres(home), EmbeddedValkey(home)
    own_postgres = variables["EXIT10_DATABASE_URL"] == postgres.url
    own_valkey = variables["EXIT10_REDIS_URL"] == valkey.url
    if own_postgres:
        supervisor.adopt({"Postgres": postgres})
    if own_valkey:
        supervisor.adopt({"Valkey": valkey})
        valkey.launch()
    if own_postgres:
        postgres.start()
    migrate(variables["EXIT10_DATABASE_URL"])
    programs = _workers(home, variables, workers)
    api = _api(home, variables)
    supervisor.adopt(programs)
    supervisor.adopt({"API": api})
    try:
        for program in (api, *programs.values()):
            program.start()
    except OSError as error:
        raise home.unusable(error) from None
    if own_valkey:
        valkey.wait()


def _api(home: Home, variables: Mapping[str, str]) -> Program:
    public = {name: value for name, value in variables.items() if name != "EXIT10_KEYRING"}
    return Program(["serve"], public, home.log / "api.log", API_PATIENCE_SECONDS)


def _workers(home: Home, variables: Mapping[str, str], count: int) -> dict[str, Program]:
    """The port for metrics is the API's; workers on one machine would fight over it."""
    quiet = {name: value for name, value in variables.items() if name != "EXIT10_METRICS_BIND"}
    return {
        f"worker {number}": Program(
            ["worker"], quiet, home.log / f"worker-{number}.log", WORKER_PATIENCE_SECONDS
        )
        for number in range(1, count + 1)
    }


def _variables(home: Path | None, bind: str | None) -> dict[str, str]:
    """The environment of a worker. The API's is the same without the keyring."""
    told = dict(os.environ)
    if home is not None:
        told["EXIT10_HOME"] = str(home.absolute())
    if bind is not None:
        told["EXIT10_BIND"] = bind
    port = told.get("EXIT10_BIND", "").rpartition(":")[2]
    if not told.get("EXIT10_ORIGIN", "").strip() and port.isdigit():
        told["EXIT10_ORIGIN"] = f"http://localhost:{port}"
    return local_environment(told, keyring=True)


def _require_free(bind: tuple[str, int]) -> None:
    """Notice a port in use before anything is started."""
    host, port = bind
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(bind)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is in use by another program. Stop that one"
        elif error.errno == errno.EACCES:
            reason = "is kept for root. Take one above 1023"
        else:
            reason = f"cannot be used ({error.strerror})"
        raise UpError(
            f"{host}:{port} {reason}, or choose another address: --bind 127.0.0.1:8020"
        ) from None


def _await_ready(supervisor: Supervisor, bind: tuple[str, int]) -> None:
    """Wait until the API can do its work: it, Postgres and a worker that made the keys.

    Raises:
        UpError: it does not become ready.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _get(bind, "/health/ready") is not None:
            return
        time.sleep(_GLANCE_SECONDS)
        supervisor.watch()
    raise UpError("The API did not become ready within 30 seconds. Its log is beside the others.")


def _get(bind: tuple[str, int], path: str) -> bytes | None:
    """The body of a good answer of the API, or None."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind[0], bind[0])  # noqa: S104
    connection = http.client.HTTPConnection(host, bind[1], timeout=5.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.client.OK else None


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_WORKERS}")
    return int(text)


async def _prepare(settings: Settings) -> commands.InviteLink | None:
    """Load the Friday series into an empty database; invite a first organiser if there is none."""
    await friday.load(settings)
    return None if await commands.has_organisers(settings) else await commands.invite(settings)


def _greet(settings: Settings, home: Home, invite: commands.InviteLink | None) -> None:
    """Say where everything is, what comes next, how to come in and how to stop."""
    lines = [
        f"  App         {settings.origin}",
        f"  API         {settings.origin}/openapi.json",
        f"  Data, logs  {home.path}",
    ]
    for gathering in _next_gatherings(settings):
        when = gathering.starts_at.strftime("%a %d %b %H:%M")
        lines.append(f"  Next        {when} {gathering.time_zone}  {gathering.title}")
    _console.print("\n[bold]Exit 10 runs on this machine.[/bold]\n")
    _console.print("\n".join(lines), markup=False)
    if invite is not None:
        _console.print("\nThere is no organiser yet. The first to open this link becomes one:\n")
        _console.print(commands.render(invite), markup=False)
    _console.print("Ctrl-C stops everything that was started here.\n")


def _next_gatherings(settings: Settings) -> list[Occurrence]:
    """What the API lists, as any phone would read it."""
    answer = _get(settings.bind, "/v1/occurrences?lang=en")
    if answer is None:
        return []
    return msgspec.json.decode(answer, type=OccurrencePage).items[:NEXT_GATHERINGS]


def _complain(sentence: str) -> None:
    _errors.print(sentence, markup=False)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
