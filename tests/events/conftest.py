"""What the tests of events share."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from backend.core.database import Pool, Role
from backend.events.service import EventService
from backend.places.service import PlaceService
from tests.events.gatherings import Agree
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser


@pytest.fixture(scope="module")
async def events(
    pool_as: Callable[[Role], Awaitable[Pool]], module_clock: SetClock
) -> EventService:
    """Events as the worker has them."""
    return EventService(await pool_as("exit10_worker"), module_clock, PlaceService())


@pytest.fixture
async def hers(organiser: MakeOrganiser, clock: SetClock) -> dict[str, str]:
    """What the requests of an organiser carry."""
    return (await organiser("admin")).headers


@pytest.fixture
async def agree(client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock) -> Agree:
    """`await agree(answer)` lets another organiser agree to what an answer proposes."""
    other = (await organiser("organiser")).headers

    async def agree(proposed: httpx.Response) -> dict[str, Any]:
        assert proposed.status_code == 202, proposed.text
        path = f"/v1/proposals/{proposed.json()['id']}/approval"
        answer = await client.put(path, headers=other)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "done"
        return answer.json()

    return agree
