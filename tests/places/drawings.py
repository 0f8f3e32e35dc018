"""Venues as organisers draw them around Exit 10, and what goes wrong when they do."""

from typing import Any
from uuid import UUID, uuid4

import httpx

EAST, NORTH = 127.0276, 37.4979
NAMES = {"ko": "강남역 10번 출구 앞", "en": "In front of Exit 10"}


def at(east_metres: float, north_metres: float) -> list[float]:
    """A position so far from Exit 10, good to a percent."""
    return [round(EAST + east_metres / 88_400, 7), round(NORTH + north_metres / 110_980, 7)]


def point(east_metres: float = 0, north_metres: float = 0) -> dict[str, Any]:
    return {"type": "Point", "coordinates": at(east_metres, north_metres)}


def line(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [at(*corner) for corner in corners]}


def ring(*corners: tuple[float, float]) -> list[list[float]]:
    """A closed ring through corners in metres from Exit 10."""
    return [at(*corner) for corner in (*corners, corners[0])]


def square(west: float, south: float, side: float) -> dict[str, Any]:
    """An area with four equal sides."""
    east, north = west + side, south + side
    return polygon(ring((west, south), (east, south), (east, north), (west, north)))


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def zone(name: str, area: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "names": {"ko": "구역", "en": name}, "area": area}


def plan(**changes: Any) -> dict[str, Any]:
    """A sound venue: two exits, two zones side by side, a route of about 500 metres."""
    return {
        "names": NAMES,
        "point": point(),
        "place": "gangnam-station-exit-10",
        "exits": [
            {"label": "10", "point": point(5, 5), "stepFree": False},
            {"label": "11", "point": point(-30, 20), "stepFree": True},
        ],
        "zones": [zone("stage", square(-50, -50, 50)), zone("crowd", square(0, -50, 50))],
        "route": line((0, 0), (0, 300), (200, 300)),
        **changes,
    }


async def draw(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    drawing: dict[str, Any],
    venue: UUID | None = None,
    *,
    if_match: str | None = None,
) -> httpx.Response:
    """PUT a venue."""
    condition = {} if if_match is None else {"If-Match": if_match}
    return await client.put(
        f"/v1/venues/{venue or uuid4()}", json=drawing, headers=headers | condition
    )
