"""Rows of venues and protected places. The only reader of this domain's queries.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries
from schemas.geojson import Point
from schemas.venues import ProtectedPlace, ProtectedPlan, VenuePlan, VenueSummary

_queries = Queries.beside(__file__)

_Json = Any
"""What jsonb gives back; becomes a Struct before it leaves this module."""


class SummaryRow(msgspec.Struct, frozen=True):
    """What lists tell of a venue."""

    id: UUID
    place: str | None
    names: dict[str, str]
    point: _Json


class VenueRow(SummaryRow, frozen=True):
    """A venue as it is kept."""

    exits: _Json
    zones: _Json
    route: _Json
    version: int


class ProtectedRow(msgspec.Struct, frozen=True):
    """A protected place as it is kept."""

    id: UUID
    names: dict[str, str]
    geometry: _Json
    version: int


class KeptVenue(msgspec.Struct, frozen=True):
    """A venue's plan and how often it was changed."""

    plan: VenuePlan
    version: int


async def find_venue(on: Executor, venue: UUID) -> KeptVenue | None:
    """A venue."""
    return _venue(await _queries.one(on, "find_venue", VenueRow, id=venue))


async def lock_venue(on: Executor, venue: UUID) -> KeptVenue | None:
    """A venue that stays as it is until the transaction ends."""
    return _venue(await _queries.one(on, "lock_venue", VenueRow, id=venue))


async def list_venues(
    on: Executor, place: str | None, after: UUID, most: int
) -> list[VenueSummary]:
    """Venues by id; those at one place of the gazetteer, or all."""
    rows = await _queries.all(on, "list_venues", SummaryRow, place=place, after=after, most=most)
    return [
        VenueSummary(
            id=row.id,
            names=row.names,
            place=row.place,
            point=msgspec.convert(row.point, Point),
        )
        for row in rows
    ]


async def insert_venue(on: Executor, venue: UUID, plan: VenuePlan, now: datetime) -> bool:
    """Write a new venue in its first version. False when the id is taken."""
    return await _queries.run(on, "insert_venue", **_columns(venue, plan, now)) == 1


async def change_venue(on: Executor, venue: UUID, plan: VenuePlan, now: datetime) -> None:
    """Write the next version of a venue."""
    await _queries.run(on, "change_venue", **_columns(venue, plan, now))


async def remove_venue(on: Executor, venue: UUID) -> None:
    """Remove a venue."""
    await _queries.run(on, "remove_venue", id=venue)


async def find_protected(on: Executor, place: UUID) -> ProtectedPlace | None:
    """A protected place that an organiser drew."""
    return _protected(await _queries.one(on, "find_protected", ProtectedRow, id=place))


async def lock_protected(on: Executor, place: UUID) -> ProtectedPlace | None:
    """A protected place that stays as it is until the transaction ends."""
    return _protected(await _queries.one(on, "lock_protected", ProtectedRow, id=place))


async def list_protected(on: Executor) -> list[ProtectedPlace]:
    """Every protected place that organisers drew, by id."""
    rows = await _queries.all(on, "list_protected", ProtectedRow)
    return [msgspec.convert(msgspec.structs.asdict(row), ProtectedPlace) for row in rows]


async def insert_protected(on: Executor, place: UUID, plan: ProtectedPlan, now: datetime) -> bool:
    """Write a new protected place in its first version. False when the id is taken."""
    return (
        await _queries.run(
            on, "insert_protected", id=place, names=plan.names, geometry=plan.geometry, now=now
        )
        == 1
    )


async def change_protected(on: Executor, place: UUID, plan: ProtectedPlan, now: datetime) -> None:
    """Write the next version of a protected place."""
    await _queries.run(
        on, "change_protected", id=place, names=plan.names, geometry=plan.geometry, now=now
    )


async def remove_protected(on: Executor, place: UUID) -> None:
    """Remove a protected place."""
    await _queries.run(on, "remove_protected", id=place)


def _columns(venue: UUID, plan: VenuePlan, now: datetime) -> dict[str, object]:
    return {
        "id": venue,
        "place": plan.place,
        "names": plan.names,
        "point": plan.point,
        "exits": plan.exits,
        "zones": plan.zones,
        "route": plan.route,
        "now": now,
    }


def _venue(row: VenueRow | None) -> KeptVenue | None:
    if row is None:
        return None
    told = {
        name: value
        for name, value in msgspec.structs.asdict(row).items()
        if name not in {"id", "version"}
    }
    return KeptVenue(plan=msgspec.convert(told, VenuePlan), version=row.version)


def _protected(row: ProtectedRow | None) -> ProtectedPlace | None:
    return None if row is None else msgspec.convert(msgspec.structs.asdict(row), ProtectedPlace)
