"""What the tests of notices share: Fridays that are scheduled, and organisers who file them."""

from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from backend.events.service import EventService
from backend.notices.service import NoticeService
from backend.places.service import PlaceService
from tests.conftest import MakeOrganiser
from tests.events.gatherings import body, put
from tests.support.clock import SetClock
from tests.support.pools import PoolAs


class Series(msgspec.Struct):
    """A series over HTTP, as an organiser has it in hand."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    id: UUID
    tag: str

    async def occurrence(self, day: str) -> str:
        """The id of the gathering on a day."""
        span = {
            "series": str(self.id),
            "from": "2024-01-01T00:00:00Z",
            "to": "2026-01-01T00:00:00Z",
        }
        items = (await self.client.get("/v1/occurrences", params=span)).json()["items"]
        return next(each["id"] for each in items if each["startsAt"].startswith(day))

    async def change(self, **changes: object) -> None:
        """Change the series, and with it the gatherings ahead."""
        answer = await put(self.client, self.headers, body(**changes), self.id, if_match=self.tag)
        assert answer.status_code == 200, answer.text
        self.tag = answer.headers["etag"]


async def call_off(owner: asyncpg.Connection, occurrence: str) -> None:
    """Cancel a gathering, whoever has to agree to that."""
    await owner.execute("update occurrence set state = 'cancelled' where id = $1", occurrence)


@pytest.fixture(scope="module")
async def hers(organiser: MakeOrganiser) -> dict[str, str]:
    """What the requests of an organiser carry."""
    return (await organiser("organiser")).headers


@pytest.fixture
async def fridays(client: httpx.AsyncClient, hers: dict[str, str], clock: SetClock) -> Series:
    """Fridays at Exit 10, from 30 August 2024 on, a series of each test's own."""
    series = uuid4()
    answer = await put(client, hers, body(), series)
    assert answer.status_code == 201, answer.text
    return Series(client, hers, series, answer.headers["etag"])


@pytest.fixture(scope="module")
async def notices(pool_as: PoolAs, module_clock: SetClock) -> NoticeService:
    """Notices as the worker has them."""
    pool = await pool_as("exit10_worker")
    return NoticeService(pool, module_clock, EventService(pool, module_clock, PlaceService()))
