"""Shows a rehearsal: progress while it works, then figures, a drawing and what phones would show.

Progress goes to standard error, the report to standard output.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from backend.drill.outcome import Outcome
from backend.drill.rehearsal import Rehearsed
from backend.drill.verification import Findings
from schemas.alerts import Preview

_BARS = " ▁▂▃▄▅▆▇█"
_DRAWING_WIDTH = 60
_DRAWING_HEIGHT = 4
_SCREEN_WIDTH = 36


class ProgressBars:
    """A bar for each part of the rehearsal, on standard error. Use as a context manager."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._total = 1

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
        self._progress.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """End the present bar and begin another."""
        self._finish()
        self._total = total or 1
        self._task = self._progress.add_task(name, total=self._total)

    def reach(self, done: int) -> None:
        """Move the present bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def note(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        self._progress.console.print(sentence, highlight=False)

    def _finish(self) -> None:
        if self._task is None:
            return
        task = self._progress.tasks[self._progress.task_ids.index(self._task)]
        if self._total == 1:
            self._progress.update(self._task, completed=1)
        self._progress.stop_task(task.id)


def print_report(rehearsed: Rehearsed, console: Console) -> None:
    """Print the whole report."""
    outcome = rehearsed.outcome
    console.print(_figures(outcome, rehearsed.preview))
    if len(rehearsed.arrivals) > 1:
        console.print(_drawing(rehearsed.arrivals))
    console.print(_screens(rehearsed.findings))
    console.print(_verdict(outcome, rehearsed.findings))


def _figures(outcome: Outcome, preview: Preview) -> Table:
    table = Table(title=f"Rehearsal {outcome.scenario}", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    subscribing = outcome.subscribed / max(outcome.subscribe_seconds, 0.001)
    for name, figure in (
        ("phones", f"{outcome.phones:,}"),
        ("subscribed", f"{outcome.subscribed:,}"),
        ("  in", f"{outcome.subscribe_seconds:.1f} s ({subscribing:,.0f}/s)"),
        ("reached", f"{outcome.delivered:,}"),
        ("would show the alert", f"{outcome.shown:,}"),
        ("first phone after approval", _seconds(outcome.first_seconds)),
        ("last phone", _seconds(outcome.last_seconds)),
        ("phones per second", f"{outcome.per_second:,.0f}"),
        ("came twice (same tag)", f"{outcome.duplicates:,}"),
        ("undecryptable", f"{outcome.undecryptable:,}"),
        ("wrong signature", f"{outcome.wrong_signature:,}"),
        (
            "wrong payload, language or tag",
            f"{outcome.wrong_payload + outcome.wrong_language + outcome.wrong_tag:,}",
        ),
        (
            "kept by push services, urgency",
            f"{preview.time_to_live_seconds:,} s, {preview.urgency}",
        ),
        ("workers (killed)", f"{outcome.workers} ({outcome.workers_killed})"),
        ("worker's peak memory", _mebibytes(outcome.worker_peak_rss_mb)),
    ):
        table.add_row(name, figure)
    return table


def _drawing(arrivals: Sequence[float]) -> Group:
    """Phones reached over time, as columns of text."""
    first, last = arrivals[0], arrivals[-1]
    counts = [0] * _DRAWING_WIDTH
    for at in arrivals:
        share = (at - first) / (last - first) if last > first else 0.0
        counts[min(int(share * _DRAWING_WIDTH), _DRAWING_WIDTH - 1)] += 1
    steps = len(_BARS) - 1
    heights = [-(-count * _DRAWING_HEIGHT * steps // max(counts)) for count in counts]
    rows = [
        "".join(_BARS[min(max(height - row * steps, 0), steps)] for height in heights)
        for row in reversed(range(_DRAWING_HEIGHT))
    ]
    scale = f"{first:.1f} s".ljust(_DRAWING_WIDTH - 8) + f"{last:.1f} s".rjust(8)
    peak = max(counts) / ((last - first) / _DRAWING_WIDTH) if last > first else 0.0
    title = f"Phones reached over time (peak {peak:,.0f}/s)"
    return Group(Text(title, style="bold"), Text("\n".join(rows), style="cyan"), Text(scale), "")


def _screens(findings: Findings) -> RenderableType:
    """What a phone of each language would show."""
    screens = [
        Panel(
            Group(Text(shown.title, style="bold"), shown.body), title=language, width=_SCREEN_WIDTH
        )
        for language, shown in sorted(findings.examples.items(), reverse=True)
    ]
    return Columns(screens) if screens else Text("No phone would show anything.", style="red")


def _verdict(outcome: Outcome, findings: Findings) -> Text:
    complaints = outcome.complaints()
    if not complaints:
        return Text("Every phone was reached, and would show the alert once.", style="green")
    complaints += [
        f"{text} ({count:,} times)" for text, count in findings.complaints.most_common(5)
    ]
    if outcome.refused:
        complaints.append(f"The push service refused {outcome.refused}.")
    return Text("\n".join(complaints), style="red")


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.2f} s"


def _mebibytes(size: float | None) -> str:
    return "unknown" if size is None else f"{size:.1f} MiB"
