"""Series as organisers send them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from backend.events.friday import scenario
from backend.events.rules import Schedule, schedule
from schemas.events import SeriesPlan

Agree = Callable[[httpx.Response], Awaitable[dict[str, Any]]]

FRIDAY_PLAN = scenario("gangnam-friday").plan()
FRIDAYS: dict[str, Any] = msgspec.to_builtins(FRIDAY_PLAN)
"""The body of a PUT that schedules every Friday at Exit 10 from 30 August 2024 on."""


def body(**changes: object) -> dict[str, Any]:
    """The Friday series with other fields: `body(rrule="FREQ=DAILY", timeZone="UTC")`."""
    return {**FRIDAYS, **changes}


def held(starts_local: str, time_zone: str, rrule: str | None = None) -> Schedule:
    """When a series with this start, zone and rule is held."""
    plan = msgspec.structs.replace(
        FRIDAY_PLAN,
        starts_local=datetime.fromisoformat(starts_local),
        time_zone=time_zone,
        rrule=rrule,
    )
    return schedule(UUID(int=1), plan)


async def put(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    plan: SeriesPlan | dict[str, Any],
    series: UUID | None = None,
    if_match: str | None = None,
) -> httpx.Response:
    """Send a series, under an id of its own when none is given."""
    condition = {} if if_match is None else {"If-Match": if_match}
    return await client.put(
        f"/v1/series/{series or uuid4()}",
        content=msgspec.json.encode(plan),
        headers={**headers, **condition, "Content-Type": "application/json"},
    )


async def etag(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """The condition that a change of what is there carries."""
    return {"If-Match": (await client.get(path)).headers["etag"]}
