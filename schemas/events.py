"""Series of gatherings and their occurrences on the wire. Nothing of who comes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.base import Language, Wire, tidy
from schemas.places import Place, PlaceId

Kind = Literal["rally", "march", "vigil", "press-briefing", "meeting"]
SeriesState = Literal["draft", "published", "ended"]
OccurrenceState = Literal["scheduled", "cancelled"]

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Gatherings outside these years are typing errors."""

TimeZone = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$",
        max_length=64,
        description="Name in the IANA time zone database",
        examples=["Asia/Seoul"],
    ),
]
RecurrenceRule = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        description=(
            "Recurrence rule (RFC 5545 section 3.3.10) of FREQ=DAILY, WEEKLY or MONTHLY with "
            "INTERVAL, BYDAY, BYMONTHDAY and COUNT or UNTIL; without one, held once"
        ),
        examples=["FREQ=WEEKLY;BYDAY=FR"],
    ),
]
Reminder = Annotated[
    int, msgspec.Meta(ge=5, le=20160, description="Minutes before the start, 14 days at most")
]


class GatheringText(Wire, frozen=True):
    """What people need to know, in one language."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    summary: Annotated[str, msgspec.Meta(max_length=2000)]
    meeting_point: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    accessibility: (
        Annotated[
            str, msgspec.Meta(max_length=1000, description="Step-free way, signing, quiet area")
        ]
        | None
    ) = None
    bring: Annotated[str, msgspec.Meta(max_length=1000)] | None = None

    def __post_init__(self) -> None:
        """Refuse text that looks like other text; see `schemas.base.plain_text`."""
        tidy(self, "title", "summary", "meeting_point", "accessibility", "bring")
        if not self.title or not self.meeting_point:
            raise ValueError("title and meetingPoint must not be blank")


def korean_first(texts: Mapping[str, GatheringText]) -> dict[str, GatheringText]:
    """The same texts in the order of the house, whatever order they came or were kept in."""
    return {tag: texts[tag] for tag in sorted(texts, key=lambda tag: (tag != "ko", tag))}


class SeriesPlan(Wire, frozen=True):
    """What an organiser decides about a gathering that is held once or again and again."""

    kind: Kind
    texts: Annotated[dict[Language, GatheringText], msgspec.Meta(min_length=1, max_length=12)]
    place: PlaceId
    time_zone: TimeZone
    starts_local: Annotated[
        datetime,
        msgspec.Meta(
            tz=False,
            description="First start by the clock on the wall, without offset, to the minute",
            examples=["2024-08-30T19:00:00"],
        ),
    ]
    duration_minutes: Annotated[int, msgspec.Meta(ge=5, le=2880)]
    rrule: RecurrenceRule | None = None
    reminder_minutes: Annotated[list[Reminder], msgspec.Meta(max_length=5)] = msgspec.field(
        default_factory=lambda: [1440, 120]
    )
    state: Annotated[
        SeriesState,
        msgspec.Meta(description="Only a series that was never published can be a draft"),
    ] = "published"

    def __post_init__(self) -> None:
        """Refuse what no calendar can hold; put the languages in order, Korean first."""
        starts = self.starts_local
        if not FIRST_YEAR <= starts.year <= LAST_YEAR:
            raise ValueError(f"startsLocal must lie between {FIRST_YEAR} and {LAST_YEAR}")
        if starts.second or starts.microsecond:
            raise ValueError("startsLocal must be a whole minute")
        if len(set(self.reminder_minutes)) < len(self.reminder_minutes):
            raise ValueError("reminderMinutes must differ from each other")
        msgspec.structs.force_setattr(self, "texts", korean_first(self.texts))


class Series(SeriesPlan, frozen=True, kw_only=True):
    """A series as it stands. Its entity tag is what a change names in If-Match."""

    id: UUID
    version: Annotated[int, msgspec.Meta(ge=1, description="Grows by one with each change")]


class SeriesPage(Wire, frozen=True):
    """Series by id."""

    items: list[Series]
    next_cursor: str | None


class Occurrence(Wire, frozen=True):
    """One gathering, told in one language."""

    id: UUID
    series: UUID
    kind: Kind
    state: OccurrenceState
    starts_at: Annotated[
        datetime,
        msgspec.Meta(
            tz=True,
            description="With the offset of the series' zone on that day",
            examples=["2024-08-30T19:00:00+09:00"],
        ),
    ]
    ends_at: Annotated[datetime, msgspec.Meta(tz=True, examples=["2024-08-30T21:00:00+09:00"])]
    time_zone: TimeZone
    lang: Annotated[Language, msgspec.Meta(description="Language of the texts", examples=["ko"])]
    title: str
    summary: str
    meeting_point: str
    place: Place


class OccurrencePage(Wire, frozen=True):
    """Occurrences by start, then id."""

    items: list[Occurrence]
    next_cursor: str | None


class OccurrenceDetail(Occurrence, frozen=True):
    """One gathering, told in one language and in all."""

    texts: dict[Language, GatheringText]
