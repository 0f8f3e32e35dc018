"""Two years and four months of Fridays, changed as life changes them, week by week on the clock."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import httpx

from backend.events.jobs import materialise_all
from backend.events.service import EventService
from tests.events.gatherings import body, etag, put
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser

SEOUL = ZoneInfo("Asia/Seoul")
FIRST, LAST = date(2024, 8, 30), date(2026, 12, 25)
RULE = "FREQ=WEEKLY;BYDAY=FR;UNTIL=20261231T145959Z"
CANCELLED = (date(2024, 10, 4), date(2025, 1, 31), date(2026, 5, 1))
MOVED = {date(2024, 9, 13): "2024-09-14T18:00:00", date(2025, 10, 3): "2025-10-02T20:00:00"}
ADDED = {date(2025, 3, 8): "2025-03-08T15:00:00"}
SPLIT, NEW_HOUR = date(2026, 3, 6), time(19, 30)
REASON = {"ko": "이번 주는 쉽니다.", "en": "Not this week."}


class LongRun(NamedTuple):
    """The series, the one that continues it, and every instant that must be told, in order."""

    series: UUID
    following: UUID
    held: list[datetime]
    cancelled: list[datetime]


def expected_instants() -> tuple[list[datetime], list[datetime]]:
    """Starts of what is held and of what is cancelled, worked out without the house."""
    held = [_seoul(text) for text in (*MOVED.values(), *ADDED.values())]
    cancelled: list[datetime] = []
    day = FIRST
    while day <= LAST:
        hour = NEW_HOUR if day >= SPLIT else time(19)
        start = datetime.combine(day, hour, SEOUL).astimezone(UTC)
        if day in CANCELLED:
            cancelled.append(start)
        elif day not in MOVED:
            held.append(start)
        day += timedelta(weeks=1)
    return sorted(held), cancelled


async def live_through(
    client: httpx.AsyncClient,
    organiser: MakeOrganiser,
    events: EventService,
    clock: SetClock,
    series: UUID,
) -> LongRun:
    """Make the series and change it over the months; leaves the clock at the end of 2026.

    Organisers come and go: no access token lives as long.
    """
    following = uuid5(series, "following")
    clock.set(datetime(2024, 8, 26, 3, tzinfo=UTC))
    headers = (await organiser("admin")).headers
    made = await put(client, headers, body(rrule=RULE), series)
    assert made.status_code == 201, made.text
    for day in sorted([*CANCELLED, *MOVED, *ADDED, SPLIT]):
        clock.set(datetime.combine(day - timedelta(days=10), time(3), UTC))
        await materialise_all(events)
        headers = (await organiser("organiser")).headers
        path = f"/v1/occurrences/{uuid5(series, day.isoformat())}"
        if day == SPLIT:
            plan = body(startsLocal=f"{day}T{NEW_HOUR}", rrule=RULE, place="bosingak")
            content = {"series": str(following), "plan": plan}
            answer = await _change(client, headers, f"{path}/following", content, path)
        elif day in ADDED:
            base = f"/v1/series/{series}"
            added = {"startsLocal": ADDED[day]}
            answer = await _change(client, headers, f"{base}/dates/{day}", added, base)
        elif day in MOVED:
            answer = await _change(client, headers, path, {"startsLocal": MOVED[day]}, path)
        else:
            content = {"reason": REASON}
            answer = await _change(client, headers, f"{path}/cancellation", content, path)
            proposal = answer.json()["id"]
            other = (await organiser("organiser")).headers
            agreed = f"/v1/proposals/{proposal}/approval"
            answer = await client.put(agreed, headers=other)
        assert answer.status_code in (200, 201), answer.text
    clock.set(datetime(2026, 12, 31, 3, tzinfo=UTC))
    await materialise_all(events)
    return LongRun(series, following, *expected_instants())


async def instants_told(
    client: httpx.AsyncClient, series: UUID
) -> tuple[list[datetime], list[datetime]]:
    """Starts of what is held and of what is cancelled, as the list of occurrences tells them."""
    held: list[datetime] = []
    cancelled: list[datetime] = []
    page: dict[str, Any] = {"nextCursor": ""}
    while page["nextCursor"] is not None:
        span = {"from": "2024-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
        params = {**span, **cursor, "series": str(series)}
        page = (await client.get("/v1/occurrences", params=params)).json()
        for each in page["items"]:
            start = datetime.fromisoformat(each["startsAt"]).astimezone(UTC)
            (cancelled if each["state"] == "cancelled" else held).append(start)
    return held, cancelled


async def _change(
    client: httpx.AsyncClient, headers: dict[str, str], path: str, content: Any, base: str
) -> httpx.Response:
    condition = await etag(client, base)
    return await client.put(path, json=content, headers={**headers, **condition})


def _seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL).astimezone(UTC)
