"""SQL stands in queries.sql, time comes from the clock, and every door says who may use it."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, imports, place, plant, python_files, syntax

Check = Callable[[Path], list[str]]

SQL = re.compile(
    r"^\s*(select\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|truncate\s|merge\s+into\s"
    r"|(create|alter|drop)\s+(table|index|view|role|database|schema)\s|with\s+\S+\s+as\s*\(|copy\s+\S+\s+(from|to)\s)",
    re.IGNORECASE,
)
SQL_OUTSIDE = {
    "backend/core/health.py": "readiness asks whether Postgres answers",
    "backend/embedded/postgres.py": "the server's first role and database precede every migration",
}
"""The files that may hold a statement of their own, and why."""

CLOCK = "backend/core/clock.py"
READS_THE_CLOCK = frozenset(
    {
        "date.today",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "uuid.uuid1",
    }
)
METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "route", "websocket"})
ACCESS = frozenset({"PUBLIC", "BEARER", "scoped"})


def loose_sql(root: Path) -> list[str]:
    """Statements in Python strings, outside the files that say why they need one."""
    return [
        f"{name}:{line} holds SQL" for name, line in _statements(root) if name not in SQL_OUTSIDE
    ]


def _statements(root: Path) -> Iterator[tuple[str, int]]:
    for path in python_files(root, "backend", "schemas"):
        for text in _strings(syntax(path)):
            if SQL.match(str(text.value)):
                yield path.relative_to(root).as_posix(), text.lineno


def _strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """String literals that are not documentation."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node


def readers_of_queries(root: Path) -> list[str]:
    """Files other than a repository that load statements."""
    return [
        f"{place(root, path, node.lineno)} loads queries"
        for path in python_files(root, "backend")
        if path.name != "repository.py"
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom)
        and any(alias.name in {"Queries", "*"} for alias in node.names)
    ]


def loose_clocks(root: Path) -> list[str]:
    """Calls that ask the machine for the time, outside the clock. Stopwatches are no clocks."""
    return [
        f"{place(root, path, node.lineno)} reads the machine's clock"
        for path in python_files(root, "backend", "schemas")
        if path != root / CLOCK
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom | ast.Attribute) and _reads_the_clock(node)
    ]


def _reads_the_clock(node: ast.ImportFrom | ast.Attribute) -> bool:
    if isinstance(node, ast.ImportFrom):
        return any(f"{node.module}.{alias.name}" in READS_THE_CLOCK for alias in node.names)
    return ".".join(ast.unparse(node).split(".")[-2:]) in READS_THE_CLOCK


def handlers_without_access(root: Path) -> list[str]:
    """Route handlers that do not say who may use them in `opt=`."""
    return [
        f"{place(root, path, function.lineno)} {function.name} does not say who may use it"
        for path, function, decorator in _handlers(root)
        if not any(
            keyword.arg == "opt"
            and ACCESS & {node.id for node in ast.walk(keyword.value) if isinstance(node, ast.Name)}
            for keyword in decorator.keywords
        )
    ]


def handlers_without_a_route(root: Path) -> list[str]:
    """Route handlers that their module does not list in ROUTES: code that nobody can reach."""
    found: list[str] = []
    for path, function, _ in _handlers(root):
        listed = {
            element.id
            for node in syntax(path).body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and "ROUTES" in ast.unparse(node).partition("=")[0]
            for element in ast.walk(node)
            if isinstance(element, ast.Name)
        }
        if function.name not in listed:
            found.append(f"{place(root, path, function.lineno)} {function.name} is not in ROUTES")
    return found


def _handlers(
    root: Path,
) -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef, ast.Call]]:
    for path in python_files(root, "backend"):
        if not any(each.module.split(".")[0] == "litestar" for each in imports(root, path)):
            continue
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if (
                        isinstance(decorator, ast.Call)
                        and isinstance(decorator.func, ast.Name)
                        and decorator.func.id in METHODS
                    ):
                        yield path, node, decorator


CHECKS: dict[str, Check] = {
    "sql": loose_sql,
    "queries": readers_of_queries,
    "clock": loose_clocks,
    "access": handlers_without_access,
    "routes": handlers_without_a_route,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_the_house_keeps_its_habits(check: Check) -> None:
    assert check(ROOT) == []


def test_every_exception_is_still_needed() -> None:
    assert {name for name, _ in _statements(ROOT)} == SQL_OUTSIDE.keys()


@pytest.mark.parametrize(
    ("check", "name", "text"),
    [
        ("sql", "backend/events/service.py", 'await connection.execute("DELETE FROM series")'),
        ("sql", "backend/events/repository.py", 'TEXT = "\\n  select id\\n from series"'),
        ("sql", "backend/alerts/jobs.py", 'f"insert into alert values ({1})"; x = f"update {1}"'),
        ("queries", "backend/events/service.py", "from backend.core.sql import Queries"),
        ("clock", "backend/events/rules.py", "import datetime\nx = datetime.datetime.now()"),
        ("clock", "backend/events/jobs.py", "from time import time"),
        ("clock", "backend/drill/phones.py", "import time\nstarted = time.time"),
        (
            "access",
            "backend/events/routes.py",
            "from litestar import get\n@get('/x', opt={})\nasync def door(): ...\nROUTES = [door]",
        ),
        (
            "access",
            "backend/events/routes.py",
            "from litestar import get\n@get('/x')\nasync def door(): ...\nROUTES = [door]",
        ),
        (
            "routes",
            "backend/events/routes.py",
            "from litestar import get\n@get('/x', opt=PUBLIC)\nasync def door(): ...\nROUTES = []",
        ),
    ],
)
def test_a_broken_habit_is_found(tmp_path: Path, check: str, name: str, text: str) -> None:
    plant(tmp_path, "backend/core/sql.py", "")
    assert CHECKS[check](tmp_path) == []
    plant(tmp_path, name, text + "\n")
    assert len(CHECKS[check](tmp_path)) == 1


def test_a_stopwatch_and_a_sentence_are_fine(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "backend/events/service.py",
        '"""Select the series."""\nimport time\nx = time.perf_counter() - time.monotonic()\n'
        "y = 'Delete from your calendar what is over.'[:0] or 'Select a place.'[:6]\n",
    )
    assert loose_clocks(tmp_path) == []
