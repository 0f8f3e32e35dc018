"""`make bench`: measures, prints a table, and writes the figures as JSON."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.fanout import Run, measure, summary

GOALS = {
    "one_worker_to_baseline": 2.0,
    "one_worker_to_floor": 0.80,
    "two_workers_to_one": 1.7,
}


def main() -> None:
    """Parse, measure, tell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measures the fan-out of an alert: one and two workers, a baseline "
        "(webpush_async) and the floor (open, encrypt, post), in turns on the same rows.",
    )
    parser.add_argument("--phones", type=int, default=22_000, help="how many (default 22000)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that count (default 3)")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks.json"), help="where the JSON goes"
    )
    options = parser.parse_args()
    runs = asyncio.run(measure(options.phones, options.rounds))
    figures = summary(runs)
    _draw(runs, figures)
    document = {
        "phones": options.phones,
        "figures": {name: round(value, 3) for name, value in figures.items()},
        "goals": GOALS,
        "runs": msgspec.to_builtins(runs),
    }
    options.output.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    print(f"Written to {options.output}.", file=sys.stderr)


def _draw(runs: list[Run], figures: dict[str, float]) -> None:
    console = Console()
    table = Table(title="Fan-out: phones reached per second")
    for heading in ("contender", "median", "slowest", "fastest", "µs of CPU a phone", "peak MB"):
        table.add_column(heading, justify="left" if heading == "contender" else "right")
    for name in dict.fromkeys(run.contender for run in runs):
        own = [run for run in runs if run.contender == name]
        rates = [run.per_second for run in own]
        table.add_row(
            name,
            f"{figures[f'{name}_per_second']:,.0f}",
            f"{min(rates):,.0f}",
            f"{max(rates):,.0f}",
            f"{min(run.cpu_microseconds for run in own):,.0f}",
            f"{max(run.peak_rss_mb for run in own):,.0f}",
        )
    console.print(table)
    for name, goal in GOALS.items():
        words = name.replace("_", " ")
        console.print(f"{words}: {figures[name]:.2f} (goal {goal:.2f})")


if __name__ == "__main__":
    main()
