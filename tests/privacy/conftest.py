"""The rally day that several tests look back on: held once, on a system of its own."""

from pathlib import Path

import pytest

from backend.drill.push_handle import PushServiceProcess
from tests.privacy import rally_day
from tests.privacy.rally_day import RallyDay
from tests.privacy.stage import Stage


@pytest.fixture(scope="session")
async def day(tmp_path_factory: pytest.TempPathFactory) -> RallyDay:
    """What was left of a rally."""
    folder: Path = tmp_path_factory.mktemp("push")
    async with await PushServiceProcess.start(folder) as push:
        with Stage.set(push) as stage:
            return await rally_day.held(stage, push)
