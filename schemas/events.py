"""Series of gatherings and their occurrences on the wire. Nothing of who comes."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.base import Language, Wire, plain_text, tidy
from schemas.places import Place, PlaceId

Kind = Literal["rally", "march", "vigil", "press-briefing", "meeting"]
SeriesState = Literal["draft", "published", "ended"]
OccurrenceState = Literal["scheduled", "cancelled", "past"]

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


Remark = Annotated[str, msgspec.Meta(max_length=1000)]
WallTime = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="By the clock on the wall where the gathering is held",
        examples=["19:30"],
    ),
]


class ProgrammeItem(Wire, frozen=True):
    """Something that happens at a gathering, and when."""

    at: WallTime
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

    def __post_init__(self) -> None:
        tidy(self, "title")


class Accessibility(Wire, frozen=True, omit_defaults=True):
    """What somebody with a wheelchair, without hearing or in need of calm has to know."""

    step_free_route: Remark | None = None
    sign_language: Remark | None = None
    quiet_area: Remark | None = None
    toilets: Remark | None = None

    def __post_init__(self) -> None:
        tidy(self, *self.__struct_fields__)


Exits = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=80)]],
    msgspec.Meta(max_length=12, description="Exits of the station that lead there"),
]
Programme = Annotated[list[ProgrammeItem], msgspec.Meta(max_length=40)]


class GatheringRemarks(Wire, frozen=True, omit_defaults=True):
    """What people may need to know, in one language. What is left out is told in another."""

    exits: Exits | None = None
    programme: Programme | None = None
    accessibility: Accessibility | None = None
    bring: Remark | None = None
    do_not_bring: Remark | None = None
    filming_policy: Remark | None = None
    transport_home: Annotated[
        Remark | None, msgspec.Meta(description="How to get home after the last train")
    ] = None
    rain_plan: Remark | None = None
    accreditation: Annotated[
        Remark | None, msgspec.Meta(description="What the press does to be let in")
    ] = None

    def __post_init__(self) -> None:
        """Refuse text that looks like other text; see `schemas.base.plain_text`."""
        tidy(self, *self.__struct_fields__)
        if self.exits is not None:
            exits = [plain_text(each) for each in self.exits]
            msgspec.structs.force_setattr(self, "exits", exits)


class GatheringText(GatheringRemarks, frozen=True, kw_only=True):
    """What people need to know, in one language."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    summary: Annotated[str, msgspec.Meta(max_length=2000)]
    meeting_point: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]

    def __post_init__(self) -> None:
        """Refuse text that looks like other text, and blank names."""
        GatheringRemarks.__post_init__(self)
        if not self.title or not self.meeting_point:
            raise ValueError("title and meetingPoint must not be blank")


class GatheringTextChange(GatheringRemarks, frozen=True, omit_defaults=True):
    """What is different at one gathering, in one language. What is empty is not told there."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] | None = None
    summary: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    meeting_point: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None

    def __post_init__(self) -> None:
        """Refuse text that looks like other text, and blank names."""
        GatheringRemarks.__post_init__(self)
        if self.title == "" or self.meeting_point == "":
            raise ValueError("title and meetingPoint must not be blank")


def korean_first(texts: Mapping[str, GatheringText]) -> dict[str, GatheringText]:
    """The same texts in the order of the house, whatever order they came or were kept in."""
    return {tag: texts[tag] for tag in sorted(texts, key=lambda tag: (tag != "ko", tag))}


class Press(Wire, frozen=True):
    """What a press briefing asks of those who report."""

    embargo_until: (
        Annotated[
            datetime, msgspec.Meta(tz=True, description="Nothing is to be published before it")
        ]
        | None
    ) = None
    statement: Annotated[UUID | None, msgspec.Meta(description="The statement it is about")] = None


class SeriesPlan(Wire, frozen=True, kw_only=True):
    """What an organiser decides about a gathering that is held once or again and again."""

    kind: Kind
    texts: Annotated[dict[Language, GatheringText], msgspec.Meta(min_length=1, max_length=12)]
    place: PlaceId
    press: Annotated[Press | None, msgspec.Meta(description="Only of a press briefing")] = None
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
        if self.press is not None and self.kind != "press-briefing":
            raise ValueError("press must be left out unless kind is press-briefing")
        msgspec.structs.force_setattr(self, "texts", korean_first(self.texts))


class Series(SeriesPlan, frozen=True, kw_only=True):
    """A series as it stands. Its entity tag is what a change names in If-Match."""

    id: UUID
    root: Annotated[
        UUID, msgspec.Meta(description="The first series of its line: what phones subscribe to")
    ]
    continues: Annotated[
        UUID | None, msgspec.Meta(description="The series that it took over from")
    ] = None
    ends_before: Annotated[
        date | None,
        msgspec.Meta(description="From this date on another series took over, or it has ended"),
    ] = None
    removed_dates: Annotated[
        list[date], msgspec.Meta(description="Dates of the rule on which nothing is held")
    ]
    version: Annotated[int, msgspec.Meta(ge=1, description="Grows by one with each change")]


class SeriesPage(Wire, frozen=True):
    """Series by id."""

    items: list[Series]
    next_cursor: str | None


class Occurrence(Wire, frozen=True):
    """One gathering, told in one language."""

    id: UUID
    series: UUID
    root: Annotated[
        UUID, msgspec.Meta(description="The first series of its line: what phones subscribe to")
    ]
    kind: Kind
    state: OccurrenceState
    reason: Annotated[str | None, msgspec.Meta(description="Why it is cancelled")]
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


class OccurrenceDetail(Occurrence, frozen=True, kw_only=True):
    """One gathering, told in one language and in all."""

    press: Press | None
    remarks: Annotated[
        GatheringRemarks,
        msgspec.Meta(description="In the language of the texts, or in another that has them"),
    ]
    borrowed: Annotated[
        dict[str, Language],
        msgspec.Meta(description="Remarks that are told in another language, and in which"),
    ]
    texts: dict[Language, GatheringText]
