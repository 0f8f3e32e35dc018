"""What the tests of events share."""

from collections.abc import Awaitable, Callable

import pytest

from backend.core.database import Pool, Role
from backend.events.service import EventService
from backend.places.service import PlaceService
from tests.support.clock import SetClock


@pytest.fixture(scope="module")
async def events(
    pool_as: Callable[[Role], Awaitable[Pool]], module_clock: SetClock
) -> EventService:
    """Events as the worker has them."""
    return EventService(await pool_as("exit10_worker"), module_clock, PlaceService())
