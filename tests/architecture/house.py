"""Reads the source tree as text and syntax. Imports nothing of the house: a broken room is seen."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Import(NamedTuple):
    """One imported module, absolute, and the line that names it."""

    module: str
    line: int


def python_files(root: Path, *folders: str) -> Iterator[Path]:
    """Every Python file below the named folders of `root`."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def module_of(root: Path, path: Path) -> str:
    """The dotted name of a file, such as `backend.events.rules`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return _parsed(path.read_text("utf-8"))


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def imports(root: Path, path: Path) -> Iterator[Import]:
    """Every module that a file imports, wherever in the file it does so.

    `from backend.core import tokens` counts as `backend.core.tokens`, when that is a module.
    """
    package = module_of(root, path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = root.joinpath(*base.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield Import(f"{base}.{alias.name}" if is_module else base, node.lineno)


def place(root: Path, path: Path, line: int) -> str:
    """`backend/app.py:12`, as editors open it."""
    return f"{path.relative_to(root).as_posix()}:{line}"


def plant(root: Path, name: str, text: str) -> Path:
    """Write a file of a small house that a test looks at, with the packages above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.relative_to(root).parents:
        if folder != Path() and path.suffix == ".py":
            (root / folder / "__init__.py").touch()
    path.write_text(text, "utf-8")
    return path
