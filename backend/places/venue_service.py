"""Verbs about venues and the places that the law keeps clear. Never asks where a person is."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec

from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, NotFound, Unacceptable
from backend.places import repository, rules
from backend.places.gazetteer import Gazetteer
from backend.places.rules import Finding
from schemas.geojson import Point
from schemas.venues import (
    ProtectedPlace,
    ProtectedPlaces,
    ProtectedPlan,
    Venue,
    VenuePlan,
    VenueReview,
    VenueSummary,
)

PAGE_SIZE = 50
NOWHERE = UUID(int=0)
"""Stands before every id."""

MAX_PROTECTED = 200

Thing = TypeVar("Thing")
Precondition = Callable[[Thing], bool]
"""Whether the thing that is there is the one that a change was based on."""


class PreconditionNeeded(Exception):  # noqa: N818 - RFC 6585 section 3 calls it a requirement
    """Something would change, and the caller did not say which version she saw."""


class PreconditionFailed(Exception):  # noqa: N818 - RFC 9110 section 15.5.13
    """It is not the one that the change was based on."""


class Questioned(Exception):  # noqa: N818 - reads as what happened
    """A drawing cannot be taken as it is; some findings are questions that she can answer."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].slug)
        self.findings = findings


class _Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID
    place: str


class VenueService:
    """Venues, drawn by organisers and read by everybody."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._gazetteer = Gazetteer()
        self._shipped = {place.id: place for place in _shipped(self._gazetteer)}

    async def get_venue(self, venue: UUID) -> Venue:
        """A venue for the map.

        Raises:
            NotFound: there is none.
        """
        kept = await repository.find_venue(self._pool, venue)
        if kept is None:
            raise NotFound
        return rules.venue(venue, kept.plan, kept.version)

    async def list_venues(
        self, place: str | None = None, after: UUID = NOWHERE
    ) -> tuple[list[VenueSummary], bool]:
        """A page of venues by id, all or those at one place, and whether more follow."""
        found = await repository.list_venues(self._pool, place, after, PAGE_SIZE + 1)
        return found[:PAGE_SIZE], len(found) > PAGE_SIZE

    async def review(self, venue: UUID) -> VenueReview:
        """A venue, and how near it comes to protected places.

        Raises:
            NotFound: there is none.
        """
        return await self._reviewed(await self.get_venue(venue))

    async def put_venue(
        self, venue: UUID, plan: VenuePlan, based_on: Precondition[Venue] | None = None
    ) -> tuple[VenueReview, bool]:
        """Draw or redraw a venue; gives it, and whether it is new.

        To ask for what is there already changes nothing and needs no precondition.

        Raises:
            Questioned: the drawing is impossible, or raises questions that are not answered.
            Unacceptable: `unknown-place`.
            PreconditionNeeded, PreconditionFailed: see there.
        """
        if plan.place is not None and plan.place not in self._gazetteer.entries:
            raise Unacceptable("unknown-place", "The gazetteer has no such place.")
        plan = rules.read_as_meant(plan)
        if findings := await asyncio.to_thread(rules.findings, plan):
            raise Questioned(findings)
        drawn, new = await self._write(venue, plan, based_on)
        return await self._reviewed(drawn), new

    async def _write(
        self, venue: UUID, plan: VenuePlan, based_on: Precondition[Venue] | None
    ) -> tuple[Venue, bool]:
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            kept = await repository.lock_venue(connection, venue)
            if kept is None and based_on is not None:
                raise PreconditionFailed
            if kept is None and await repository.insert_venue(connection, venue, plan, now):
                return rules.venue(venue, plan, 1), True
            kept = kept or await repository.lock_venue(connection, venue)
            if kept is None:
                raise PreconditionFailed
            before = rules.venue(venue, kept.plan, kept.version)
            after = rules.venue(venue, plan, kept.version)
            if before == after:
                return before, False
            _check(before, based_on)
            await repository.change_venue(connection, venue, plan, now)
        return msgspec.structs.replace(after, version=kept.version + 1), False

    async def delete_venue(self, venue: UUID, based_on: Precondition[Venue] | None) -> None:
        """Remove a venue; one that is not there is gone already.

        Raises:
            PreconditionNeeded, PreconditionFailed: see there.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            kept = await repository.lock_venue(connection, venue)
            if kept is not None:
                _check(rules.venue(venue, kept.plan, kept.version), based_on)
                await repository.remove_venue(connection, venue)

    async def list_protected(self) -> ProtectedPlaces:
        """Every protected place: those that ship, as organisers redrew them, and theirs."""
        drawn = {each.id: each for each in await repository.list_protected(self._pool)}
        return ProtectedPlaces(items=list({**self._shipped, **drawn}.values()))

    async def get_protected(self, place: UUID) -> ProtectedPlace:
        """A protected place.

        Raises:
            NotFound: there is none.
        """
        found = await repository.find_protected(self._pool, place) or self._shipped.get(place)
        if found is None:
            raise NotFound
        return found

    async def put_protected(
        self,
        place: UUID,
        plan: ProtectedPlan,
        based_on: Precondition[ProtectedPlace] | None = None,
    ) -> tuple[ProtectedPlace, bool]:
        """Add or redraw a protected place; gives it, and whether it is new.

        Raises:
            Questioned: the drawing is impossible or strange.
            Conflict: `too-many-protected`.
            PreconditionNeeded, PreconditionFailed: see there.
        """
        if findings := rules.findings_of_protected(plan):
            raise Questioned(findings)
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            kept = await repository.lock_protected(connection, place)
            before = kept or self._shipped.get(place)
            if before is None and based_on is not None:
                raise PreconditionFailed
            if before is not None:
                if before == _as_protected(place, plan, before.version):
                    return before, False
                _check(before, based_on)
            if kept is not None:
                await repository.change_protected(connection, place, plan, now)
                return _as_protected(place, plan, kept.version + 1), False
            if len(await repository.list_protected(connection)) >= MAX_PROTECTED:
                raise Conflict("too-many-protected", f"There are {MAX_PROTECTED} already.")
            if await repository.insert_protected(connection, place, plan, now):
                return _as_protected(place, plan, 1), before is None
            rival = await repository.lock_protected(connection, place)
        if rival != _as_protected(place, plan, 1):
            raise PreconditionFailed
        return _as_protected(place, plan, 1), False

    async def delete_protected(
        self, place: UUID, based_on: Precondition[ProtectedPlace] | None
    ) -> None:
        """Remove a protected place. One that ships is back as it shipped, and stays.

        Raises:
            PreconditionNeeded, PreconditionFailed: see there.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            kept = await repository.lock_protected(connection, place)
            if kept is not None:
                _check(kept, based_on)
                await repository.remove_protected(connection, place)

    async def _reviewed(self, venue: Venue) -> VenueReview:
        known = (await self.list_protected()).items
        near = await asyncio.to_thread(rules.protected_nearby, venue, known)
        return VenueReview(venue=venue, protected_places=near)


def _check(before: Thing, based_on: Precondition[Thing] | None) -> None:
    """Refuse a change that would overwrite another."""
    if based_on is None:
        raise PreconditionNeeded
    if not based_on(before):
        raise PreconditionFailed


def _as_protected(place: UUID, plan: ProtectedPlan, version: int) -> ProtectedPlace:
    return ProtectedPlace(id=place, names=plan.names, geometry=plan.geometry, version=version)


def _shipped(gazetteer: Gazetteer) -> list[ProtectedPlace]:
    """The protected places of the gazetteer. It knows a point of each, and no borders."""
    text = Path(__file__).with_name("protected.json").read_bytes()
    return [
        ProtectedPlace(
            id=each.id,
            names=entry.names,
            geometry=Point(coordinates=(entry.longitude, entry.latitude)),
            version=0,
        )
        for each in msgspec.json.decode(text, type=list[_Shipped])
        for entry in [gazetteer.entries[each.place]]
    ]
