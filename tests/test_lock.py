"""What `make run` installs: exact, hashed, from wherever the reader's own index is."""

import itertools
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text("ascii")
PINNED = {
    canonicalize_name(match[1]): (Version(match[2]), match[3].count("--hash=sha256:"))
    for match in re.finditer(r"^([\w.-]+)==([\w.]+)(.*(?:\n    .*)*)", LOCK, re.MULTILINE)
}
MACHINES = (
    *(("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64")),
    *(("darwin", "Darwin", "arm64"), ("darwin", "Darwin", "x86_64")),
)
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"://|@|--(extra-)?index-url|--find-links|--trusted-host", LOCK)


def test_everything_in_the_lock_is_exact_and_hashed() -> None:
    entries = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(entries) == len(PINNED)
    assert all(hashes for _, hashes in PINNED.values())


def test_cryptography_is_new_enough_to_seal() -> None:
    assert PINNED[canonicalize_name("cryptography")][0] >= Version("50")


def test_what_is_built_for_a_machine_is_hashed_for_others_too() -> None:
    for name, (_, hashes) in PINNED.items():
        try:
            wheel = metadata.distribution(name).read_text("WHEEL") or ""
        except metadata.PackageNotFoundError:
            continue
        if "Tag: " in wheel and not re.search(r"^Tag: \S+-any$", wheel, re.MULTILINE):
            assert hashes >= len(MACHINES), name


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES, ids="-".join)
def test_the_lock_is_whole_for(python: str, machine: tuple[str, str, str]) -> None:
    environment = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        **dict(zip(("sys_platform", "platform_system", "platform_machine"), machine, strict=True)),
    }
    assert wanted(environment) <= PINNED.keys()


def wanted(environment: dict[str, str]) -> set[str]:
    """Everything that pyproject.toml asks for, and what that asks for, and so on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    open_, seen = [(Requirement(line), "") for line in asked], set[tuple[str, str]]()
    while open_:
        requirement, extra = open_.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if marker and not marker.evaluate({**environment, "extra": extra}):
            continue
        for inner in {"", *requirement.extras} - {found for at, found in seen if at == name}:
            seen.add((name, inner))
            try:
                needs = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # asked for on another machine; its own needs are not known here
            open_ += itertools.product(map(Requirement, needs), [inner])
    return {name for name, _ in seen}
