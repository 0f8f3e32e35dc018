"""The lock files hold exact versions and digests, no addresses, and no older cryptography."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
OLDEST_CRYPTOGRAPHY = 50
"""The first with HPKE."""


def faults(lock: str) -> list[str]:
    """What is wrong with a requirements.lock."""
    found: list[str] = []
    if re.search(r"://|--(extra-)?index-url|--find-links", lock):
        found.append("it names an address")
    for requirement in re.split(r"\n(?=\S)", lock.replace("\\\n", " ")):
        line = requirement.strip()
        if line.startswith("#") or not line:
            continue
        pin = PIN.match(line)
        if pin is None:
            found.append(f"{line[:40]} is not exact")
            continue
        if "--hash=sha256:" not in line:
            found.append(f"{pin['name']} has no digest")
        if pin["name"].lower() == "cryptography" and _major(pin["version"]) < OLDEST_CRYPTOGRAPHY:
            found.append("cryptography is too old for HPKE")
    return found


def _major(text: str) -> int:
    return int(text.partition(".")[0])


def test_the_lock_is_exact() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "\ncryptography==" in f"\n{lock}"
    assert faults(lock) == []


@pytest.mark.parametrize(
    "lock",
    [
        "msgspec>=0.22 \\\n    --hash=sha256:00\n",
        "msgspec==0.22.0\n",
        "--index-url https://somewhere.example/simple\nmsgspec==0.22.0 --hash=sha256:00\n",
        "cryptography==49.0.1 \\\n    --hash=sha256:00\n",
    ],
)
def test_a_loose_lock_is_found(lock: str) -> None:
    assert faults("msgspec==0.22.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n") == []
    assert faults(lock) != []


def test_what_runs_here_has_hpke() -> None:
    assert _major(version("cryptography")) >= OLDEST_CRYPTOGRAPHY


def test_the_web_app_s_lock_names_no_address() -> None:
    lock = json.loads(Path(ROOT / "backend/web/package-lock.json").read_text("utf-8"))
    packages: dict[str, dict[str, str]] = lock["packages"]
    locked = {name: package for name, package in packages.items() if name}
    assert locked
    assert all(package.get("integrity") for package in locked.values())
    assert not any("resolved" in package for package in locked.values())
