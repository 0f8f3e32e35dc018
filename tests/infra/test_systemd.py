"""The units: their commands run, each is locked in, and only the worker holds keys."""

from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.infra.commands import understands

UNITS = sorted((ROOT / "infra" / "systemd").glob("*.service"))
PROGRAM = "/opt/exit10/.venv/bin/exit10"
WANTED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
    "UMask": "0077",
}


def directives(unit: Path) -> dict[str, list[str]]:
    """Values of a unit file by name. A name may stand several times."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.stem for unit in UNITS] == ["exit10-api", "exit10-migrate", "exit10-worker"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_its_command_runs_here(unit: Path) -> None:
    (command,) = directives(unit)["ExecStart"]
    program, *arguments = command.split()
    assert program == PROGRAM
    assert understands(arguments)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_locked_in(unit: Path) -> None:
    found = directives(unit)
    assert {name: found.get(name) for name in WANTED} == {
        name: [value] for name, value in WANTED.items()
    }


def test_each_has_a_user_of_its_own() -> None:
    users = [directives(unit)["User"][0] for unit in UNITS]
    assert users == ["exit10-api", "exit10", "exit10-worker"]


def test_only_the_worker_holds_keys_and_reaches_outside() -> None:
    for unit in UNITS:
        found = directives(unit)
        is_worker = unit.stem == "exit10-worker"
        assert ("keyring" in unit.read_text("utf-8")) is is_worker
        assert (found["IPAddressDeny"] != ["any"]) is is_worker
        assert found["IPAddressAllow"] == ["localhost"]
