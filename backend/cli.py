"""The command `exit10`. Parses arguments and calls one function; decides nothing itself."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from backend.settings import Settings, SettingsError

OPENAPI_FILE = Path(__file__).resolve().parent.parent / "openapi.json"
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 could not, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        code = options.command(options)
    except SettingsError as error:
        print(f"exit10: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="exit10",
        description="Coordinates rallies, shifts, safety check-ins and push alerts without ever "
        "learning who takes part.",
        epilog="Settings are environment variables named EXIT10_*; README.md lists them.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_up(commands)
    _add(commands, "serve", "run the API of an installed system", _serve)
    _add(commands, "worker", "run a worker: it sends alerts and keeps time", _worker)
    _add(commands, "migrate", "bring the database's tables up to date", _migrate)
    _add_coalition(commands)
    _add_drill(commands)
    _add_openapi(commands)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    purpose: str,
    command: Command,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=purpose, description=purpose[0].upper() + purpose[1:] + "."
    )
    parser.set_defaults(command=command)
    return parser


def _add_up(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from backend import up  # noqa: PLC0415 - each command loads only what it needs

    up.add_arguments(
        _add(commands, "up", "start the whole system on this machine, until Ctrl-C", up.run)
    )


def _add_coalition(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from backend.coalition import commands as coalition  # noqa: PLC0415

    coalition.add_invite_arguments(
        _add(
            commands, "invite", "make an invite for an organiser: a link and a QR", coalition.invite
        )
    )
    coalition.add_token_arguments(
        _add(commands, "token", "make an access token for a script", coalition.token)
    )


def _add_drill(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from backend.drill import command as drill  # noqa: PLC0415

    drill.add_arguments(
        _add(commands, "drill", "rehearse a rally with a crowd of simulated phones", drill.run)
    )


def _add_openapi(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(commands, "openapi", "write openapi.json, from which clients are made", _openapi)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when the file is out of date"
    )


def _serve(_: argparse.Namespace) -> int:
    from backend import serve  # noqa: PLC0415

    return serve.run(Settings.from_environment(os.environ))


def _worker(_: argparse.Namespace) -> int:
    from backend import worker  # noqa: PLC0415
    from backend.core.keyring import KeyringError  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    try:
        uvloop.run(worker.run(settings))
    except KeyringError as error:
        print(f"exit10: {error}", file=sys.stderr)
        return 1
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from backend.core.migrate import MigrationError, migrate  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    try:
        migrate(settings.database_url.reveal().decode())
    except MigrationError as error:
        print(f"exit10: {error}", file=sys.stderr)
        return 1
    return 0


def _openapi(options: argparse.Namespace) -> int:
    from backend.app import create_app  # noqa: PLC0415
    from backend.settings import Secret  # noqa: PLC0415

    nothing = Secret(b"")
    app = create_app(Settings(database_url=nothing, redis_url=nothing, token_key=nothing))
    document = json.dumps(app.openapi_schema.to_schema(), ensure_ascii=False, indent=2) + "\n"
    if not options.check:
        OPENAPI_FILE.write_text(document, "utf-8")
        return 0
    if OPENAPI_FILE.exists() and OPENAPI_FILE.read_text("utf-8") == document:
        return 0
    print("exit10: openapi.json is out of date; run `exit10 openapi`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
