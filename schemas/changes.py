"""Changes of series and gatherings on the wire, what hangs on them, and who has to agree."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.alerts import AlertKind, AlertTexts
from schemas.base import Language, Wire, plain_text
from schemas.coalition import Approvals
from schemas.events import FIRST_YEAR, LAST_YEAR, GatheringTextChange, SeriesPlan
from schemas.places import PlaceId

Reason = Annotated[
    dict[Language, Annotated[str, msgspec.Meta(min_length=1, max_length=300)]],
    msgspec.Meta(
        min_length=1,
        max_length=12,
        description="Why, for everybody to read, by language",
        examples=[{"ko": "폭우 경보로 쉽니다.", "en": "Heavy rain is forecast."}],
    ),
]


class OccurrencePlan(Wire, frozen=True):
    """What is different about one gathering. What is left out is as in its series."""

    starts_local: (
        Annotated[
            datetime,
            msgspec.Meta(
                tz=False,
                description="Its own start by the clock on the wall, to the minute",
                examples=["2024-09-14T18:00:00"],
            ),
        ]
        | None
    ) = None
    duration_minutes: Annotated[int, msgspec.Meta(ge=5, le=2880)] | None = None
    place: PlaceId | None = None
    texts: Annotated[dict[Language, GatheringTextChange], msgspec.Meta(max_length=12)] | None = None

    def __post_init__(self) -> None:
        starts = self.starts_local
        if starts is None:
            return
        if not FIRST_YEAR <= starts.year <= LAST_YEAR:
            raise ValueError(f"startsLocal must lie between {FIRST_YEAR} and {LAST_YEAR}")
        if starts.second or starts.microsecond:
            raise ValueError("startsLocal must be a whole minute")


class FollowingPlan(Wire, frozen=True):
    """How a gathering and all that follow are held from now on."""

    series: Annotated[UUID, msgspec.Meta(description="Id of the new series, made by the client")]
    plan: SeriesPlan


class CancellationRequest(Wire, frozen=True):
    """Call a gathering off."""

    reason: Reason

    def __post_init__(self) -> None:
        reason = {language: plain_text(text) for language, text in self.reason.items()}
        if not all(reason.values()):
            raise ValueError("reason must not be blank")
        msgspec.structs.force_setattr(self, "reason", reason)


class SeriesChange(Wire, frozen=True, tag_field="change", tag="series"):
    """All gatherings of a series that have not begun."""

    series: UUID
    plan: SeriesPlan


class OccurrenceChange(Wire, frozen=True, tag_field="change", tag="occurrence"):
    """This gathering only."""

    occurrence: UUID
    plan: OccurrencePlan


class FollowingChange(Wire, frozen=True, tag_field="change", tag="following"):
    """This gathering and all that follow."""

    occurrence: UUID
    series: UUID
    plan: SeriesPlan


class Cancellation(Wire, frozen=True, tag_field="change", tag="cancellation"):
    """This gathering is called off, and everybody may read why."""

    occurrence: UUID
    reason: Reason


class Reinstatement(Wire, frozen=True, tag_field="change", tag="reinstatement"):
    """This gathering is held after all."""

    occurrence: UUID


class AddedDate(Wire, frozen=True, tag_field="change", tag="added-date"):
    """A gathering on a date that the rule does not make, or that was removed."""

    series: UUID
    date: date
    plan: OccurrencePlan


class RemovedDate(Wire, frozen=True, tag_field="change", tag="removed-date"):
    """No gathering on a date of the rule, and no word of it in lists and calendars."""

    series: UUID
    date: date


Change = (
    SeriesChange
    | OccurrenceChange
    | FollowingChange
    | Cancellation
    | Reinstatement
    | AddedDate
    | RemovedDate
)

Count = Annotated[int, msgspec.Meta(ge=0)]


class Effects(Wire, frozen=True):
    """What hangs on a change: gatherings ahead, the phones that follow them, alerts about them."""

    added: Count
    moved: Annotated[int, msgspec.Meta(ge=0, description="Held at another time")]
    changed: Annotated[int, msgspec.Meta(ge=0, description="Same time; other place or texts")]
    cancelled: Annotated[int, msgspec.Meta(ge=0, description="Not held any more")]
    subscriptions: Annotated[
        int, msgspec.Meta(ge=0, description="Phones, rounded to 10; 0 when there are fewer than 20")
    ]
    alerts: Annotated[
        int, msgspec.Meta(ge=0, description="Alerts about these gatherings that have not gone out")
    ]
    reminders: Annotated[
        int, msgspec.Meta(ge=0, description="Reminders that would not go out as they would have")
    ]
    approvals_needed: Annotated[
        int,
        msgspec.Meta(ge=0, description="Organisers who must agree; 0 when nothing is taken away"),
    ]
    kind: Annotated[
        AlertKind | None, msgspec.Meta(description="Of the alert that tells people; null for none")
    ]
    texts: Annotated[AlertTexts | None, msgspec.Meta(description="Of that alert")]


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class Proposal(Wire, frozen=True):
    """A change that takes gatherings away. Nothing happens until enough organisers agree."""

    id: UUID
    series: UUID
    change: Change
    effects: Effects
    state: ProposalState
    composed_at: datetime
    approvals: Approvals


class Proposals(Wire, frozen=True):
    """The proposals that are open, the oldest first."""

    items: list[Proposal]
