"""What anyone may ask at the command line about privacy. Looks at no row and changes nothing."""

import argparse
import sys

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from backend.retention.inventory import Line, inventory, sections

_LEAST_COLUMNS = 110
"""What a line needs to be read with ease, where no terminal says how wide it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The questions of `exit10 privacy`."""
    questions = parser.add_subparsers(metavar="QUESTION", required=True)
    kept = questions.add_parser(
        "inventory",
        help="what is kept, why, for how long, and who can read it",
        description="Explains each table and column, key and channel, log field, metric and file: "
        "what it holds, why, how long it is kept and who can read it. Needs no running system.",
        epilog="Whatever this list does not name does not exist: the project's tests compare it "
        "with the tables, Valkey, the logs, the metrics and the state folder after a rally.",
    )
    kept.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    kept.set_defaults(answer=print_inventory)


def run(options: argparse.Namespace) -> int:
    """Answer the question that was asked; the exit code."""
    code: int = options.answer(options)
    return code


def print_inventory(options: argparse.Namespace) -> int:
    """Print the inventory, for people or for scripts."""
    if options.json:
        sys.stdout.write(msgspec.json.encode(inventory()).decode() + "\n")
        return 0
    console = Console(highlight=False)
    console.width = max(console.width, _LEAST_COLUMNS) if not console.is_terminal else console.width
    for heading, lines in sections(inventory()).items():
        console.print(_table(heading, lines))
    return 0


def _table(heading: str, lines: list[Line]) -> Table:
    """One section. What a part shares with the whole above it is not repeated."""
    table = Table(title=heading, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column, share in (("Name", 3), ("What and why", 6), ("Kept", 4), ("Read by", 2)):
        table.add_column(column, ratio=share, overflow="fold")
    whole: Line | None = None
    for line in lines:
        if not line.depth:
            whole = line
        table.add_row(
            "  " * line.depth + line.name,
            line.holds if _shared(line, whole, "why") else f"{line.holds} {line.why}",
            "" if _shared(line, whole, "kept") else line.kept,
            "" if _shared(line, whole, "readers") else ", ".join(line.readers) or "owner",
            style=None if line.depth else "bold",
        )
    if not lines:
        table.add_row("none")
    return table


def _shared(line: Line, whole: Line | None, field: str) -> bool:
    return line.depth > 0 and getattr(line, field) == getattr(whole, field)
