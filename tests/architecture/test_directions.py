"""Data flows one way: routes, service, rules and repository, queries. Other imports fail here."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, Import, imports, module_of, place, plant, python_files

DOMAINS = frozenset(
    {
        "coalition",
        "events",
        "notices",
        "places",
        "volunteers",
        "safety",
        "incidents",
        "alerts",
        "statements",
        "retention",
    }
)

LAYERS = {
    "routes": {"service"},
    "jobs": {"service"},
    "service": {"rules", "repository", "helper"},
    "repository": {"rules", "helper"},
    "rules": {"rules", "helper"},
    "helper": {"rules", "helper", "repository"},
}
"""What each file of a domain may import of its own domain. Files of other names are helpers."""

DOORS = {"routes": {"service"}, "jobs": {"service"}, "service": {"service"}, "helper": {"service"}}
"""What each file of a domain may import of another domain."""

INPUT_AND_OUTPUT = frozenset(
    {
        "aiohttp",
        "aiosql",
        "asyncio",
        "asyncpg",
        "backend.core.database",
        "backend.core.keyring",
        "backend.core.live",
        "backend.core.logs",
        "backend.core.redis",
        "backend.core.sql",
        "httpx",
        "litestar",
        "os",
        "pathlib",
        "pyreqwest",
        "random",
        "redis",
        "requests",
        "secrets",
        "shutil",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "urllib.request",
    }
)
"""What a pure decision has no use for."""

SENDERS_ENCRYPTION = frozenset({"backend.core.sealing", "http_ece", "py_vapid", "pywebpush"})
"""What the rehearsal must not share with the sender, or a fault could cancel itself out."""


def wrong_directions(root: Path) -> list[str]:
    """Every import that flows against the house, as sentences."""
    return [
        f"{place(root, path, each.line)} imports {each.module}: {reason}"
        for path in python_files(root, "backend", "schemas")
        for each in imports(root, path)
        if (reason := objection(module_of(root, path).split("."), each))
    ]


def objection(importer: list[str], imported: Import) -> str | None:
    """Why a module may not import another, or None when it may."""
    target = imported.module.split(".")
    if importer[0] == "schemas":
        known = target[0] in sys.stdlib_module_names or target[0] in {"msgspec", "schemas"}
        return None if known else "schemas know the standard library and msgspec only"
    room = importer[1] if len(importer) > 1 else ""
    if target[:2] in (["backend", "app"], ["backend", "cli"]) and len(importer) > 2:
        return "no room knows who composes it"
    if room == "drill":
        return _objection_to_drill(target)
    if room in {"core", "web", "settings"}:
        inside = target[0] != "backend" or target[1:2] in (["core"], ["settings"], [room])
        return None if inside else f"{room} knows no domain"
    if room in DOMAINS:
        return _objection_to_domain(room, importer[2:3], target)
    return None


def _objection_to_drill(target: list[str]) -> str | None:
    if target[0] == "backend" and target[1:2] and target[1] in DOMAINS:
        return "the rehearsal goes through the public API"
    if _covers(SENDERS_ENCRYPTION, target):
        return "the rehearsal's phones have an encryption of their own"
    return None


def _objection_to_domain(room: str, file: list[str], target: list[str]) -> str | None:
    layer = _layer(file)
    if layer == "rules" and _covers(INPUT_AND_OUTPUT, target):
        return "rules do no input or output"
    if target[0] != "backend" or target[1:2] in (["core"], ["settings"], []):
        return None
    other = target[1]
    if other not in DOMAINS:
        return f"a domain does not know backend.{other}"
    if len(target) < 3:
        return None if other == room else "a domain calls another's service"
    if other == room:
        return None if _layer(target[2:3]) in LAYERS[layer] else f"{layer} may not know it"
    return None if target[2] in DOORS.get(layer, set()) else "a domain calls another's service"


def _layer(file: list[str]) -> str:
    """The layer of a file; a room with several services names them `push_service`, and so on."""
    name = file[0].rsplit("_", 1)[-1] if file else ""
    return name if name in LAYERS else "helper"


def _covers(modules: frozenset[str], target: list[str]) -> bool:
    return any(".".join(target[:length]) in modules for length in range(1, len(target) + 1))


def test_data_flows_one_way() -> None:
    assert wrong_directions(ROOT) == []


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("schemas/events.py", "import backend.core.clock"),
        ("schemas/events.py", "from litestar import get"),
        ("backend/core/clock.py", "from backend.events.service import EventService"),
        ("backend/core/clock.py", "from .. import events"),
        ("backend/settings.py", "from backend.alerts import rules"),
        ("backend/web/routes.py", "from backend.events.service import EventService"),
        ("backend/events/routes.py", "from backend.events.repository import find"),
        ("backend/events/routes.py", "from . import rules"),
        ("backend/events/routes.py", "from backend.places.repository import find"),
        ("backend/events/jobs.py", "from backend.events import repository"),
        ("backend/events/service.py", "from backend.events.routes import ROUTES"),
        ("backend/events/service.py", "from backend.places.rules import near"),
        ("backend/events/service.py", "from backend.app import create_app"),
        ("backend/events/service.py", "from backend.drill.phones import Phone"),
        ("backend/events/repository.py", "from backend.events.service import EventService"),
        ("backend/events/repository.py", "from backend.places.service import PlaceService"),
        ("backend/events/rules.py", "import asyncpg"),
        ("backend/events/rules.py", "from redis.asyncio import Redis"),
        ("backend/events/rules.py", "from urllib.request import urlopen"),
        ("backend/events/rules.py", "from backend.core import sql"),
        ("backend/events/rules.py", "from backend.events.repository import find"),
        ("backend/drill/phones.py", "from backend.alerts.payloads import encode"),
        ("backend/drill/phones.py", "import http_ece"),
        ("backend/drill/phones.py", "def late():\n    from backend.core.sealing import open_box"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, importer: str, line: str) -> None:
    for module in _a_small_house():
        plant(tmp_path, module, "")
    assert wrong_directions(tmp_path) == []
    plant(tmp_path, importer, line + "\n")
    assert len(wrong_directions(tmp_path)) == 1


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("schemas/events.py", "from schemas.base import Wire"),
        ("backend/core/clock.py", "from schemas.base import Wire"),
        ("backend/events/routes.py", "from backend.events.service import EventService"),
        ("backend/events/service.py", "from . import repository, rules"),
        ("backend/events/service.py", "from backend.places.service import PlaceService"),
        ("backend/events/jobs.py", "from backend.events.service import EventService"),
        ("backend/events/rules.py", "from datetime import timedelta"),
        ("backend/drill/phones.py", "from backend.core.clock import Clock"),
        ("backend/app.py", "from backend.events import routes as event_routes"),
    ],
)
def test_the_way_down_is_open(tmp_path: Path, importer: str, line: str) -> None:
    for module in _a_small_house():
        plant(tmp_path, module, "")
    plant(tmp_path, importer, line + "\n")
    assert wrong_directions(tmp_path) == []


def _a_small_house() -> Iterator[str]:
    yield from ("schemas/base.py", "backend/app.py", "backend/core/clock.py", "backend/core/sql.py")
    for domain in ("events", "places"):
        for file in ("routes", "service", "rules", "repository", "jobs"):
            yield f"backend/{domain}/{file}.py"
