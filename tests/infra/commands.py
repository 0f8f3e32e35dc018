"""Runs what infra's files would run, as far as `--help`: enough to know that it exists."""

import subprocess
import sys
from collections.abc import Sequence

from tests.architecture.house import ROOT


def understands(arguments: Sequence[str]) -> bool:
    """Whether the command `exit10` knows these arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments, "--help"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode == 0
