"""What organisers tell phones: composed in all languages, approved by several, never traced."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.base import Language, Wire, tidy
from schemas.coalition import Approvals
from schemas.push import Audience


class AlertKind(Enum):
    """What an alert is about. Decides how long push services keep it and how urgent it is."""

    INFORMATION = "information"
    CHANGE = "change"
    CANCELLATION = "cancellation"
    REMINDER = "reminder"
    SAFETY_WARNING = "safety-warning"
    LEAVE_NOW = "leave-now"
    ALL_CLEAR = "all-clear"


class AlertState(Enum):
    """Where an alert stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class AlertText(Wire, frozen=True):
    """An alert in one language."""

    title: Annotated[
        str, msgspec.Meta(min_length=1, max_length=120, examples=["집회 장소가 바뀌었습니다"])
    ]
    body: Annotated[
        str, msgspec.Meta(min_length=1, max_length=900, examples=["11번 출구 앞에서 만나요."])
    ]

    def __post_init__(self) -> None:
        """Refuse text that deceives the eye; see `schemas.base.plain_text`."""
        tidy(self, "title", "body")
        if not self.title or not self.body:
            raise ValueError("title and body must not be blank")


AlertTexts = Annotated[
    dict[Language, AlertText],
    msgspec.Meta(
        min_length=1,
        max_length=12,
        description="Text by language; a phone gets its own, else Korean, else any",
    ),
]


class AlertRequest(Wire, frozen=True):
    """Compose an alert, or change it while it is a draft."""

    occurrence: UUID
    kind: AlertKind
    texts: AlertTexts
    audiences: Annotated[list[Audience], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: [Audience.ATTENDEES]
    )
    replaces: Annotated[
        UUID | None,
        msgspec.Meta(description="An earlier alert whose place it takes on the phones"),
    ] = None


class Progress(Wire, frozen=True):
    """How far an alert has come. Counts only: which phone was reached is never recorded."""

    state: AlertState
    planned: Annotated[
        int, msgspec.Meta(ge=0, description="Phones to be reached", examples=[22000])
    ]
    delivered: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            description="Accepted by the phones' push services (RFC 8030)",
            examples=[21980],
        ),
    ]
    gone: Annotated[int, msgspec.Meta(ge=0, description="Subscriptions that were over; deleted")]
    failed: Annotated[int, msgspec.Meta(ge=0, description="Given up")]
    waiting: Annotated[int, msgspec.Meta(ge=0, description="Not yet tried, or to be tried again")]
    first_delivered_at: datetime | None = None
    last_delivered_at: datetime | None = None


class Alert(Wire, frozen=True):
    """An alert as organisers see it."""

    id: UUID
    occurrence: UUID
    series: UUID
    kind: AlertKind
    state: AlertState
    texts: AlertTexts
    audiences: list[Audience]
    tag: Annotated[str, msgspec.Meta(description="Phones replace by this tag; the push Topic")]
    replaces: UUID | None
    composed_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None
    sent_at: datetime | None
    approvals: Approvals
    warnings: Annotated[
        list[str],
        msgspec.Meta(
            description="`threshold-of-one`: one account alone can send this. "
            "`too-few-organisers`: there are fewer organisers than approvals needed.",
        ),
    ]


class PreviewText(Wire, frozen=True):
    """What a phone of one language would get."""

    title: str
    body: str
    bytes: Annotated[int, msgspec.Meta(description="Size of the text before padding")]
    limit: Annotated[int, msgspec.Meta(description="Largest size that fits")]
    fits: bool


class Preview(Wire, frozen=True):
    """An alert before it goes out."""

    texts: dict[Language, PreviewText]
    time_to_live_seconds: Annotated[
        int, msgspec.Meta(description="TTL (RFC 8030 section 5.2)", examples=[900])
    ]
    urgency: Annotated[
        str, msgspec.Meta(description="Urgency (RFC 8030 section 5.3)", examples=["high"])
    ]
    recipients: Annotated[
        int, msgspec.Meta(description="Phones, rounded to 10; 0 when there are fewer than 20")
    ]


class PublicAlert(Wire, frozen=True):
    """An alert as everybody may read it once it goes out."""

    id: UUID
    kind: AlertKind
    language: Language
    title: str
    body: str
    sent_at: datetime
    replaced: Annotated[bool, msgspec.Meta(description="A later alert took its place")]


class PublicAlerts(Wire, frozen=True):
    """The alerts of an occurrence, newest first."""

    alerts: list[PublicAlert]
