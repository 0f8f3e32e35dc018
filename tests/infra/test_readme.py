"""README.md and the runbook speak only of what is there."""

import json
import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.infra.commands import understands

PAGES = sorted([ROOT / "README.md", *(ROOT / "infra" / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text("utf-8")


def named(pattern: str) -> list[str]:
    """What every page names by a pattern, each once."""
    return sorted({name for page in PAGES for name in re.findall(pattern, page.read_text("utf-8"))})


@pytest.mark.parametrize("command", named(r"`exit10 ([a-z]+)"))
def test_every_command_is_known(command: str) -> None:
    assert understands([command])


def test_every_target_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "drill", "test"} <= told <= targets


def test_every_setting_is_explained() -> None:
    read = set(re.findall(r'"(EXIT10_\w+)"', (ROOT / "backend/settings.py").read_text("utf-8")))
    explained = set(re.findall(r"^\| (.*?) \|", README, re.MULTILINE))
    explained = {name for cell in explained for name in re.findall(r"EXIT10_\w+", cell)}
    assert explained == read | {"EXIT10_HOME"}


def test_every_address_is_answered() -> None:
    paths = json.loads((ROOT / "openapi.json").read_text("utf-8"))["paths"]
    shapes = {re.sub(r"\{\w+}|\$[A-Z]+", "*", path) for path in paths}
    asked = named(r"(/(?:v1|health)/[a-z/$A-Z{}-]*[a-zA-Z}])")
    assert len(asked) > 5
    assert {re.sub(r"\{\w+}|\$[A-Z]+", "*", path) for path in asked} <= shapes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", text)
    assert [
        name for pair in links for name in pair if name and not (page.parent / name).exists()
    ] == []


def test_nothing_of_one_machine_is_told() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|root|home)/", page.read_text("utf-8")), page.name
