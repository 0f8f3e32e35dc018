"""Asks a geocoder outside for what an organiser typed, if the operator turned that on.

Never asks for a coordinate, never sends one, and keeps neither question nor answer.
"""

import asyncio
from typing import Any

from geopy.exc import GeopyError
from geopy.extra.rate_limiter import AsyncRateLimiter
from geopy.location import Location
from redis.asyncio import Redis

from backend.core.errors import NotFound, Unavailable
from backend.places.outside import StrictAdapter, geocoder
from backend.settings import Settings
from schemas.base import plain_text
from schemas.places import FoundPlace, Lookup

ATTRIBUTION = "© OpenStreetMap contributors"
MOST = 10
MAX_LETTERS = 200
SECONDS_BETWEEN = 1.0
"""The public servers allow one question a second from all of a project together."""

ANSWER_SECONDS = 5.0
PATIENCE_SECONDS = 8.0
"""Waiting for a turn included."""

_TURN = "exit10:geocoder-turn"


class LookupService:
    """Places that the gazetteer does not have. One question a second, in all processes together."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._redis = redis
        self._geocoder = None
        if settings.geocoder is not None and settings.geocoder_url is not None:
            self._geocoder = geocoder(settings.geocoder, settings.geocoder_url, ANSWER_SECONDS)
        self._paced = AsyncRateLimiter(
            self._ask, min_delay_seconds=SECONDS_BETWEEN, max_retries=0, swallow_exceptions=False
        )

    async def look_up(self, query: str) -> Lookup:
        """Places that may be meant by `query`, the likeliest first.

        Raises:
            NotFound: `lookup-off`, the operator did not turn it on.
            Unavailable: `lookup-failed`, the geocoder is away, silent, or talks nonsense, or too
                many asked at once.
        """
        if self._geocoder is None:
            raise NotFound("lookup-off", "No geocoder outside is asked; EXIT10_GEOCODER sets one.")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self._paced(query)
        except (GeopyError, TimeoutError, ValueError):
            raise Unavailable("lookup-failed", "The geocoder gives no answer now.") from None
        items = [place for each in found for place in _place(each)]
        return Lookup(items=items, attribution=ATTRIBUTION)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._geocoder is not None:
            adapter = self._geocoder.adapter
            assert isinstance(adapter, StrictAdapter)  # noqa: S101 - `geocoder` gave it this one
            await adapter.close()

    async def _ask(self, query: str) -> list[Location]:
        assert self._geocoder is not None  # noqa: S101 - checked by `look_up`
        await self._turn()
        answer: Any = self._geocoder.geocode(query, exactly_one=False, limit=MOST)
        return (await answer) or []

    async def _turn(self) -> None:
        """Wait until no process has asked for a second."""
        spell = int(SECONDS_BETWEEN * 1000)
        while not await self._redis.set(_TURN, b"", nx=True, px=spell):  # noqa: ASYNC110
            await asyncio.sleep(max(await self._redis.pttl(_TURN), 10) / 1000)


def _place(found: Location) -> list[FoundPlace]:
    """What the geocoder told, or nothing when it deceives the eye or lies nowhere."""
    try:
        parts = plain_text(found.address).split(", ")
    except ValueError:
        return []
    # geopy names the street of Photon's answers twice.
    name = ", ".join(dict.fromkeys(parts))[:MAX_LETTERS]
    if not name or not (abs(found.latitude) <= 90 and abs(found.longitude) <= 180):  # noqa: PLR2004
        return []
    return [FoundPlace(name=name, latitude=found.latitude, longitude=found.longitude)]
