"""Organisers, the invites that bring them in, and their access tokens. No names, no addresses."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.base import Token, Wire, tidy

HANDLE_LETTERS = range(3, 41)
MAX_INVITE_HOURS = 168

_LOOKS_LIKE_AN_ADDRESS = re.compile(r"@|\d(?:[\s().+-]*\d){6}")

Handle = Annotated[
    str,
    msgspec.Meta(
        min_length=HANDLE_LETTERS.start,
        max_length=HANDLE_LETTERS.stop - 1,
        description="What other organisers call her. Never a real name, an address or a number.",
        examples=["patient-lantern-38"],
    ),
]


class Role(StrEnum):
    """What an organiser is in the coalition."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    MARSHAL_LEAD = "marshal-lead"


class Scope(StrEnum):
    """What an access token may be used for."""

    SERIES_WRITE = "series:write"
    ALERTS_COMPOSE = "alerts:compose"
    ALERTS_APPROVE = "alerts:approve"
    INVITES_WRITE = "invites:write"
    TOKENS_WRITE = "tokens:write"
    PROGRESS_READ = "progress:read"


class InviteState(StrEnum):
    """Whether an invite can still be redeemed."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"


class InviteRedemption(Wire, frozen=True):
    """Come in with an invite. The bearer token of the request becomes the access token."""

    invite: Token
    handle: Handle | None = None

    def __post_init__(self) -> None:
        tidy(self, "handle")
        if self.handle is None:
            return
        if len(self.handle) not in HANDLE_LETTERS:
            raise ValueError("text must not be shorter than 3 letters or longer than 40")
        if _LOOKS_LIKE_AN_ADDRESS.search(self.handle):
            raise ValueError("text must not be an address or a telephone number")


class Membership(Wire, frozen=True):
    """Who the caller has become, and what her token may be used for."""

    organiser: UUID
    handle: Handle
    role: Role
    scopes: list[Scope]


class InviteRequest(Wire, frozen=True):
    """Make an invite. Its token travels in a link's fragment or a QR code, not by the server."""

    token: Token
    role: Role
    expires_in_hours: Annotated[int, msgspec.Meta(ge=1, le=MAX_INVITE_HOURS, examples=[24])] = 24


class Invite(Wire, frozen=True):
    """An invite as organisers see it. Who made it and who used it is not told."""

    id: UUID
    role: Role
    expires_at: Annotated[datetime, msgspec.Meta(examples=["2024-08-31T19:00:00Z"])]
    state: InviteState


class Invites(Wire, frozen=True):
    """The coalition's invites, the next to expire first."""

    items: list[Invite]


class AccessTokenRequest(Wire, frozen=True):
    """Make an access token for a script or a second device."""

    token: Token
    scopes: Annotated[
        list[Scope],
        msgspec.Meta(min_length=1, max_length=len(Scope), description="No more than one's own"),
    ]
    expires_on: Annotated[
        date, msgspec.Meta(description="The last day it works (UTC), within a year from now")
    ]


class AccessToken(Wire, frozen=True):
    """An access token as its organiser sees it."""

    id: UUID
    scopes: list[Scope]
    expires_on: date
    last_used_on: Annotated[
        date | None,
        msgspec.Meta(description="A day (UTC), never a time", examples=["2024-08-30"]),
    ]
    current: Annotated[bool, msgspec.Meta(description="The one that this request was sent with")]


class AccessTokens(Wire, frozen=True):
    """The caller's access tokens, the next to expire first."""

    items: list[AccessToken]


class Approvals(Wire, frozen=True):
    """How many organisers stand behind it. The composer is the first."""

    given: Annotated[int, msgspec.Meta(ge=0, examples=[1])]
    needed: Annotated[int, msgspec.Meta(ge=1, examples=[2])]
    organisers: Annotated[int, msgspec.Meta(ge=0, description="Organisers there are to ask")]
