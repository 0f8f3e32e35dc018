"""The composition: each process has what it needs, and no way to what it must not reach."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.house import ROOT
from tests.infra.commands import understands

FILE = ROOT / "infra" / "compose.yaml"
OURS = ("api", "worker", "migrate")
OUTSIDE = {"proxy", "worker"}
"""The only ones with a way to other machines."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The composition, references resolved."""
    return yaml.safe_load(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its services by name."""
    return compose["services"]


def test_every_process_of_ours_has_a_command_that_runs_here(
    services: dict[str, dict[str, Any]],
) -> None:
    assert set(OURS) < services.keys()
    for name in OURS:
        assert understands(services[name]["command"]), name


def test_every_service_is_locked_in(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["ulimits"]["core"] == 0, name
        assert "privileged" not in service, name
        assert name in OURS or service["user"].partition(":")[0] != "0", name


def test_no_memory_is_written_to_swap(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["memswap_limit"] == service["mem_limit"], name


def test_only_proxy_and_worker_reach_beyond_the_machine(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    open_networks = {
        name for name, network in compose["networks"].items() if not network.get("internal")
    }
    assert {name for name, each in services.items() if open_networks & {*each["networks"]}} == (
        OUTSIDE
    )
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    assert "data" not in services["proxy"]["networks"]


def test_only_the_worker_sees_the_keyring(services: dict[str, dict[str, Any]]) -> None:
    holders = [name for name, service in services.items() if "keyring" in str(service)]
    assert holders == ["worker"]


def test_secrets_are_files_and_each_process_has_its_own(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= compose["secrets"].keys(), name
        for variable, value in service.get("environment", {}).items():
            secret = variable.endswith(("KEY", "PASSWORD")) or (
                "://" in value
                and ":" in (value.partition("://")[2].partition("@")[0])
                and "@" in value
            )
            assert not secret, f"{name} is told {variable} in its environment"
    assert "worker_passfile" not in services["api"]["secrets"]
    assert all("file" in secret for secret in compose["secrets"].values())


def test_everything_waits_until_what_it_needs_is_well(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            finishes = services[needed].get("restart") == "no"
            wanted = "service_completed_successfully" if finishes else "service_healthy"
            assert how["condition"] == wanted, f"{name} → {needed}"


def test_what_is_mounted_is_here(services: dict[str, dict[str, Any]]) -> None:
    made_by_the_operator = {"./keyring"}
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./") and source not in made_by_the_operator:
                assert Path(FILE.parent / source).exists(), source
