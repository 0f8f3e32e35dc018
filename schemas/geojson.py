"""The shapes of RFC 7946 that a venue is drawn with. Never the position of a person.

A position is longitude, then latitude (WGS 84), kept to 7 decimals: about a centimetre.
"""

from itertools import pairwise
from typing import Annotated

import msgspec

from schemas.base import Wire

DECIMALS = 7
MAX_POSITIONS = 200
"""Positions of one ring or line. More is a scan, not a drawing."""

Degrees = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Position = tuple[Degrees, Degrees]

Ring = Annotated[list[Position], msgspec.Meta(min_length=4, max_length=MAX_POSITIONS)]


class Point(Wire, frozen=True, tag_field="type", tag="Point"):
    """A point (RFC 7946 section 3.1.2)."""

    coordinates: Annotated[
        Position,
        msgspec.Meta(description="Degrees east, degrees north", examples=[[127.0276, 37.4979]]),
    ]

    def __post_init__(self) -> None:
        """Keep 7 decimals."""
        msgspec.structs.force_setattr(self, "coordinates", _rounded(self.coordinates))


class LineString(Wire, frozen=True, tag_field="type", tag="LineString"):
    """A line in the order in which it is walked (RFC 7946 section 3.1.4)."""

    coordinates: Annotated[
        list[Position],
        msgspec.Meta(
            min_length=2,
            max_length=MAX_POSITIONS,
            description="Pairs of degrees east, degrees north",
            examples=[[[127.0276, 37.4979], [127.0281, 37.4966]]],
        ),
    ]

    def __post_init__(self) -> None:
        """Keep 7 decimals and no position twice in a row."""
        line = _without_pauses(self.coordinates)
        if len(line) < 2:  # noqa: PLR2004 - RFC 7946 section 3.1.4
            raise ValueError("a line needs two different positions")
        msgspec.structs.force_setattr(self, "coordinates", line)


class Polygon(Wire, frozen=True, tag_field="type", tag="Polygon"):
    """An area with its border, and holes if there are any (RFC 7946 section 3.1.6).

    Rings are taken in either direction and kept by the right-hand rule: the border runs
    anticlockwise, holes clockwise.
    """

    coordinates: Annotated[
        list[Ring],
        msgspec.Meta(
            min_length=1,
            max_length=5,
            description="The border, then holes; each ring ends where it began",
            examples=[
                [
                    [
                        [127.0273, 37.4976],
                        [127.0279, 37.4976],
                        [127.0279, 37.4982],
                        [127.0273, 37.4982],
                        [127.0273, 37.4976],
                    ]
                ]
            ],
        ),
    ]

    def __post_init__(self) -> None:
        """Refuse open rings; keep 7 decimals, no position twice in a row, and the direction."""
        rings = [_without_pauses(ring) for ring in self.coordinates]
        for ring in rings:
            if ring[0] != ring[-1]:
                raise ValueError("a ring must end where it began (RFC 7946 section 3.1.6)")
            if len(ring) < 4:  # noqa: PLR2004 - RFC 7946 section 3.1.6
                raise ValueError("a ring needs three different positions (RFC 7946 section 3.1.6)")
        border, *holes = rings
        turned = [_turned(border, left=True), *(_turned(hole, left=False) for hole in holes)]
        msgspec.structs.force_setattr(self, "coordinates", turned)


Geometry = Point | LineString | Polygon


def _rounded(position: Position) -> Position:
    return round(position[0], DECIMALS) + 0.0, round(position[1], DECIMALS) + 0.0


def _without_pauses(line: list[Position]) -> list[Position]:
    kept: list[Position] = []
    for position in map(_rounded, line):
        if not kept or kept[-1] != position:
            kept.append(position)
    return kept


def _turned(ring: list[Position], *, left: bool) -> list[Position]:
    """The ring, anticlockwise when `left`, by the sign of its area (the shoelace formula)."""
    east, north = ring[0]
    doubled = sum(
        (x1 - east) * (y2 - north) - (x2 - east) * (y1 - north)
        for (x1, y1), (x2, y2) in pairwise(ring)
    )
    return ring if doubled == 0 or (doubled > 0) == left else ring[::-1]
