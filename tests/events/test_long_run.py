"""Fridays from 30 August 2024 to the end of 2026 are told as they were lived."""

from uuid import uuid4

import httpx
import pytest

from backend.events.service import EventService
from tests.events.long_run import ADDED, CANCELLED, LongRun, instants_told, live_through
from tests.events.model import instants_by_rule
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser


@pytest.fixture
async def lived(
    client: httpx.AsyncClient, organiser: MakeOrganiser, events: EventService, clock: SetClock
) -> LongRun:
    """The long run, lived through."""
    return await live_through(client, organiser, events, clock, uuid4())


async def test_the_list_tells_every_friday_from_the_first_to_the_last(
    client: httpx.AsyncClient, events: EventService, lived: LongRun
) -> None:
    assert (len(lived.held), len(lived.cancelled)) == (122 - len(CANCELLED) + len(ADDED), 3)
    told = (lived.held, lived.cancelled)
    assert await instants_told(client, lived.series) == told
    assert await instants_told(client, lived.following) == told, "a series stands for its line"
    first, second = await events.calendar_series(series=lived.following)
    assert (first.id, second.id) == (lived.series, lived.following)
    assert len(first.overrides) == 5, "three moved or added, two cancelled"
    assert len(second.overrides) == 1
    assert first.exdates == second.exdates == []
    assert instants_by_rule([first, second]) == told
