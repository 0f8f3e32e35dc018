"""Only the rooms of the plan, files that fit a head, and nothing left lying about."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, place, plant, python_files

TOP_LEVEL = frozenset(
    {
        "LICENSE",
        "Makefile",
        "README.md",
        "backend",
        "infra",
        "migrations",
        "openapi.json",
        "pyproject.toml",
        "requirements.lock",
        "schemas",
        "tests",
    }
)
MAX_LINES = 500
WRITTEN = frozenset({".py", ".sql", ".js", ".css", ".html", ".conf", ".service", ".yaml", ".toml"})
GENERATED = frozenset({"node_modules", "__pycache__"})
LEFT_FOR_LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
DIRECTIVE = re.compile(r"^#\s*(noqa|type:|pyright:|pragma|ruff:|!)")


def strangers(entries: Iterable[str]) -> list[str]:
    """Top-level entries that the plan does not know. Dot-files may be there."""
    return sorted(name for name in entries if name not in TOP_LEVEL and not name.startswith("."))


def written_files(root: Path) -> Iterator[Path]:
    """Every file that somebody wrote by hand."""
    for folder in ("backend", "schemas", "migrations", "infra", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in WRITTEN and path.is_file() and not GENERATED & set(path.parts):
                yield path


def long_files(root: Path) -> list[str]:
    """Files of more than `MAX_LINES` lines."""
    return [
        f"{path.relative_to(root)} has {lines} lines"
        for path in written_files(root)
        if (lines := path.read_text("utf-8").count("\n")) > MAX_LINES
    ]


def left_for_later(root: Path) -> list[str]:
    """Notes to do something later. In Python they count in comments, elsewhere anywhere."""
    return [
        f"{place(root, path, line)} is left for later"
        for path in written_files(root)
        for line, text in _remarks(path)
        if LEFT_FOR_LATER.search(text)
    ]


def dead_comments(root: Path) -> list[str]:
    """Comments that hold Python code."""
    return [
        f"{place(root, path, line)} comments code out"
        for path in python_files(root, "backend", "schemas", "tests")
        for line, text in _remarks(path)
        if not DIRECTIVE.match(text) and _is_code(text.lstrip("# "))
    ]


def _remarks(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _is_code(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(
        isinstance(node, ast.Assign | ast.AugAssign | ast.Import | ast.ImportFrom | ast.Return)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await))
        for node in tree.body
    )


def test_the_house_has_the_rooms_of_its_plan() -> None:
    assert strangers(path.name for path in ROOT.iterdir()) == []


def test_a_stranger_at_the_top_is_found() -> None:
    assert strangers(["backend", ".gitignore", "scripts", "notes.txt"]) == ["notes.txt", "scripts"]


def test_every_file_fits_a_head() -> None:
    assert long_files(ROOT) == []


def test_a_long_file_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "backend/events/rules.py", "x = 1\n" * MAX_LINES)
    assert long_files(tmp_path) == []
    plant(tmp_path, "backend/events/queries.sql", "-- a line\n" * (MAX_LINES + 1))
    assert len(long_files(tmp_path)) == 1


def test_nothing_is_left_for_later() -> None:
    assert left_for_later(ROOT) == []


@pytest.mark.parametrize("name", ["backend/events/rules.py", "infra/compose.yaml"])
def test_a_thing_left_for_later_is_found(tmp_path: Path, name: str) -> None:
    plant(tmp_path, name, f"{'#'} {'TO'}{'DO'}: the rest\n")
    assert len(left_for_later(tmp_path)) == 1


def test_no_code_is_commented_out() -> None:
    assert dead_comments(ROOT) == []


@pytest.mark.parametrize("code", ["return 1", "limit = 5", "import os", "send(alert)"])
def test_commented_code_is_found(tmp_path: Path, code: str) -> None:
    plant(tmp_path, "backend/events/rules.py", f"{'#'} {code}\n# Noon in Seoul is 03:00 UTC.\n")
    assert len(dead_comments(tmp_path)) == 1
