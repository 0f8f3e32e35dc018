"""Notices to the police on the wire: rules of a jurisdiction, and what was done for a gathering.

Instants, numbers and words of closed lists only: nobody's name, address or contact fits in here.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.base import Language, Wire
from schemas.events import Kind, TimeZone

WEEK_PATTERN = r"^2[0-9]{3}-W(0[1-9]|[1-4][0-9]|5[0-3])$"
"""A week of ISO 8601, such as `2024-W36`."""

JurisdictionId = Literal["kr", "none"]
Texts = dict[Language, str]
Article = Annotated[
    str,
    msgspec.Meta(
        description="Where the law says so; `D` before the number means the enforcement decree",
        examples=["6①"],
    ),
]
Step = Literal[
    "file-from",
    "file-by",
    "receipt",
    "correction-demand",
    "correction",
    "ban",
    "objection",
    "ruling",
    "withdrawal",
    "holding-report",
]
"""What is done, or must be, between the first thought of a gathering and its start."""

Anchor = Literal["start", "filed-start", "filed", "correction-demanded", "banned", "objected"]
RecordedState = Literal[
    "unfiled", "filed", "corrected", "banned", "objected", "withdrawn", "exempt"
]
NoticeState = Literal[
    "not-due",
    "open",
    "closed",
    "filed",
    "corrected",
    "banned",
    "objected",
    "withdrawn",
    "exempt",
]
Office = Literal["police-station", "provincial-police"]
Measure = Literal["ban", "restriction"]
Exemption = Literal[
    "scholarship",
    "arts",
    "sport",
    "religion",
    "ceremony",
    "social",
    "recreation",
    "family-rite",
    "national-celebration",
    "indoors",
    "press-briefing",
]


class Rule(Wire, frozen=True):
    """A step and its time: `hours` before (below 0) or after an instant, or `days` after a day."""

    step: Step
    article: Article
    by: Literal["organiser", "police"]
    anchor: Annotated[
        Anchor,
        msgspec.Meta(
            description=(
                "What the time is counted from; `filed-start` is the start that the notice names, "
                "which a gathering that was moved since has no more"
            )
        ),
    ]
    texts: Texts
    hours: Annotated[
        int | None, msgspec.Meta(description="Absolute hours, whatever the clocks do meanwhile")
    ] = None
    days: (
        Annotated[
            int,
            msgspec.Meta(
                ge=1,
                description="Days by the calendar; the anchor's own is not counted, the last is",
            ),
        ]
        | None
    ) = None
    remind_hours: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1)]],
        msgspec.Meta(description="How long before organisers are reminded"),
    ] = msgspec.field(default_factory=list[int])

    def __post_init__(self) -> None:
        if (self.hours is None) == (self.days is None):
            raise ValueError("a rule counts either hours or days")


class OfficeRule(Wire, frozen=True):
    """Who takes the notice, when this many police stations or more are concerned."""

    office: Office
    stations: Annotated[int, msgspec.Meta(ge=1)]
    article: Article
    texts: Texts


class ExemptionRule(Wire, frozen=True):
    """Why a gathering needs no notice. With `kind`, it is taken for granted of such gatherings."""

    exemption: Exemption
    article: Article
    texts: Texts
    kind: Kind | None = None


class Duty(Wire, frozen=True):
    """What else the law wants of organisers and marshals: a fact, without a time."""

    article: Article
    texts: Texts


class Jurisdiction(Wire, frozen=True):
    """The rules of one place, as data: what decides about them is the same everywhere."""

    id: JurisdictionId
    texts: Texts
    as_of: Annotated[date, msgspec.Meta(description="The law as it was in force on this day")]
    time_zones: Annotated[
        list[TimeZone],
        msgspec.Meta(description="Series in these zones are held here; `none` has the others"),
    ]
    offices: list[OfficeRule]
    rules: list[Rule]
    exemptions: list[ExemptionRule]
    duties: list[Duty]


class Jurisdictions(Wire, frozen=True):
    """Every place whose rules are known, and the one without rules."""

    items: list[Jurisdiction]


Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Minute = Annotated[
    datetime,
    msgspec.Meta(
        tz=True,
        description="To the minute, not ahead of now",
        examples=["2024-08-19T10:30:00+09:00"],
    ),
]


class NoticeRecord(Wire, frozen=True):
    """What was done about the notice of a gathering: times and numbers, and nobody's name.

    Who organises, who can be called and who marshals stands in the paper that goes to the police.
    It is filled in on the organiser's own device and never sent here.
    """

    state: Annotated[
        RecordedState, msgspec.Meta(description="`unfiled` takes back what was noted by mistake")
    ]
    filed_at: Annotated[
        Minute | None, msgspec.Meta(description="As the receipt says, to the minute")
    ] = None
    correction_demanded_at: Minute | None = None
    corrected_at: Minute | None = None
    banned_at: Annotated[
        Minute | None, msgspec.Meta(description="When the ban or restriction was received")
    ] = None
    measure: Annotated[
        Measure | None, msgspec.Meta(description="What was received then; only with `bannedAt`")
    ] = None
    objected_at: Minute | None = None
    ruled_at: Minute | None = None
    withdrawn_at: Minute | None = None
    holding_reported_at: Minute | None = None
    exemption: Annotated[
        Exemption | None, msgspec.Meta(description="Why no notice is needed; only when exempt")
    ] = None
    marshals: (
        Annotated[int, msgspec.Meta(ge=0, le=10_000, description="How many the notice names")]
        | None
    ) = None
    stations: Annotated[
        int, msgspec.Meta(ge=1, le=50, description="Police stations whose area is concerned")
    ] = 1
    rival_banned: Annotated[
        bool,
        msgspec.Meta(
            description="A later notice for the same place and time was banned for ours",
            examples=[False],
        ),
    ] = False

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime) and (value.second or value.microsecond):
                raise ValueError("times must be whole minutes")


class Deadline(Wire, frozen=True):
    """One step of one gathering, and whether it was taken in time."""

    step: Step
    article: Article
    by: Literal["organiser", "police"]
    at: Annotated[
        datetime, msgspec.Meta(tz=True, description="The last minute in time; the first to file")
    ]
    happened_at: Instant | None
    in_time: Annotated[bool | None, msgspec.Meta(description="Null as long as it has not happened")]
    pending: Annotated[bool, msgspec.Meta(description="Organisers have to do it, or are late")]
    reminded_at: Annotated[
        Instant | None, msgspec.Meta(description="When organisers were last reminded")
    ] = None


class Notice(Wire, frozen=True):
    """Where the notice of a gathering stands, and what the law says comes next."""

    occurrence: UUID
    series: UUID
    kind: Kind
    starts_at: Instant
    called_off: Annotated[bool, msgspec.Meta(description="The gathering is cancelled")]
    jurisdiction: JurisdictionId
    office: Annotated[Office | None, msgspec.Meta(description="Who takes the notice")]
    state: NoticeState
    exemption: Annotated[
        Exemption | None, msgspec.Meta(description="Why none is needed, as noted or by its kind")
    ]
    filed_for: Annotated[
        Instant | None, msgspec.Meta(description="The start that the notice names")
    ]
    covers: Annotated[
        bool, msgspec.Meta(description="The notice stands, and for the start as it is now")
    ]
    ban_lapsed: Annotated[
        bool, msgspec.Meta(description="No ruling on the objection was noted in time")
    ]
    record: NoticeRecord
    version: Annotated[int, msgspec.Meta(ge=0, description="Grows by one with each change")]
    deadlines: list[Deadline]


class NoticeItem(Notice, frozen=True, kw_only=True):
    """A notice in a list, with the title of its gathering."""

    lang: Language
    title: str


class DueItem(Wire, frozen=True):
    """Something that organisers can or must do."""

    occurrence: UUID
    step: Step
    article: Article
    at: Instant
    must: Annotated[
        bool, msgspec.Meta(description="It is due before the week is over; otherwise it may wait")
    ]
    reminded_at: Instant | None


class NoticeWeek(Wire, frozen=True):
    """What there is to file and to answer in a week, what is due first before the rest."""

    week: Annotated[str, msgspec.Meta(pattern=WEEK_PATTERN, examples=["2024-W36"])]
    due: list[DueItem]
    items: Annotated[
        list[NoticeItem], msgspec.Meta(description="The gatherings that it concerns, by start")
    ]
