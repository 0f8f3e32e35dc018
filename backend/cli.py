"""The command `exit10`. Finds the command that is meant, loads just that, and calls it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import msgspec
import uvloop

from backend.settings import Secret, Settings, SettingsError

OPENAPI_FILE = Path(__file__).resolve().parent.parent / "openapi.json"


class Command(msgspec.Struct, frozen=True):
    """One command: what it is for, and where its arguments and its deed are found."""

    purpose: str
    module: str
    run: str = "run"
    arguments: str | None = "add_arguments"
    beside_up: bool = False
    """Whether it finds the system that `exit10 up` runs here, when no settings name another."""


COMMANDS = {
    "up": Command("start the whole system on this machine, until Ctrl-C", "backend.up"),
    "serve": Command("run the API of an installed system", __name__, "serve", None),
    "worker": Command("run a worker: it sends alerts and keeps time", __name__, "work", None),
    "migrate": Command("bring the database's tables up to date", __name__, "migrate", None),
    "invite": Command(
        "make an invite for an organiser: a link and a QR code",
        "backend.coalition.commands",
        "run_invite",
        "add_invite_arguments",
        beside_up=True,
    ),
    "token": Command(
        "make an access token for a script",
        "backend.coalition.commands",
        "run_token",
        "add_token_arguments",
        beside_up=True,
    ),
    "drill": Command("rehearse a rally with a crowd of simulated phones", "backend.drill.command"),
    "privacy": Command(
        "tell what is kept, why, for how long and who can read it", "backend.retention.commands"
    ),
    "openapi": Command(
        "write openapi.json, from which clients are made",
        __name__,
        "write_openapi",
        "add_openapi_arguments",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 could not, 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words and words[0] in COMMANDS else None
    options = _parser(name).parse_args(words)
    try:
        if name is not None and COMMANDS[name].beside_up:
            _find_local_system()
        code = options.run(options)
    except SettingsError as error:
        code = _complain(str(error))
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """All commands by name; the chosen one with its arguments."""
    parser = argparse.ArgumentParser(
        prog="exit10",
        description="Coordinates rallies, shifts, safety check-ins and push alerts without ever "
        "learning who takes part.",
        epilog="Settings are environment variables named EXIT10_*; README.md lists them.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sentence = f"{command.purpose[0].upper()}{command.purpose[1:]}."
        below = commands.add_parser(name, help=command.purpose, description=sentence)
        if name == chosen:
            module = import_module(command.module)
            if command.arguments is not None:
                getattr(module, command.arguments)(below)
            run: Callable[[argparse.Namespace], int] = getattr(module, command.run)
            below.set_defaults(run=run)
    return parser


def _find_local_system() -> None:
    """Take the settings of the system on this machine where the environment names none."""
    from backend.embedded import default_home, local_environment  # noqa: PLC0415

    if "EXIT10_DATABASE_URL" not in os.environ and default_home(os.environ).is_dir():
        os.environ.update(local_environment(os.environ, keyring=False))


def serve(_: argparse.Namespace) -> int:
    """Run the API until SIGTERM or SIGINT."""
    from backend import serve  # noqa: PLC0415 - a command loads only what it needs

    return serve.run(Settings.from_environment(os.environ))


def work(_: argparse.Namespace) -> int:
    """Run a worker until SIGTERM or SIGINT."""
    from backend import worker  # noqa: PLC0415
    from backend.alerts.webpush import EncryptionError  # noqa: PLC0415
    from backend.core.keyring import KeyringError  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    try:
        uvloop.run(worker.run(settings))
    except (EncryptionError, KeyringError) as error:
        return _complain(str(error))
    return 0


def migrate(_: argparse.Namespace) -> int:
    """Apply the migrations that are missing."""
    from backend.core.migrate import MigrationError, migrate  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    try:
        migrate(settings.database_url.reveal().decode())
    except MigrationError as error:
        return _complain(str(error))
    return 0


def add_openapi_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `exit10 openapi`."""
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when the file is out of date"
    )


def write_openapi(options: argparse.Namespace) -> int:
    """Write the document, or compare it with the one that is there."""
    from backend.app import create_app  # noqa: PLC0415

    nothing = Secret(b"")
    app = create_app(Settings(database_url=nothing, redis_url=nothing, token_key=nothing))
    document = json.dumps(app.openapi_schema.to_schema(), ensure_ascii=False, indent=2) + "\n"
    if not options.check:
        OPENAPI_FILE.write_text(document, "utf-8")
        return 0
    if OPENAPI_FILE.exists() and OPENAPI_FILE.read_text("utf-8") == document:
        return 0
    return _complain("openapi.json is out of date; run `exit10 openapi`.")


def _complain(sentence: str) -> int:
    print(f"exit10: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
