"""A push service of their own for the tests of the rehearsal."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.drill.push_handle import PushServiceProcess


@pytest.fixture(scope="module")
async def push(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PushServiceProcess]:
    """A running push service with its certificates and spools in a throw-away folder."""
    folder: Path = tmp_path_factory.mktemp("push")
    async with await PushServiceProcess.start(folder) as service:
        yield service
