"""Pure decisions of the coalition: what a role may do, and when enough stand behind an act."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from schemas import coalition as wire
from schemas.coalition import InviteState, Role, Scope

MAX_ACCESS_DAYS = 365

SCOPES_OF: dict[Role, frozenset[Scope]] = {
    Role.ADMIN: frozenset(Scope),
    Role.ORGANISER: frozenset(
        {
            Scope.SERIES_WRITE,
            Scope.ALERTS_COMPOSE,
            Scope.ALERTS_APPROVE,
            Scope.PROGRESS_READ,
            Scope.TOKENS_WRITE,
        }
    ),
    Role.MARSHAL_LEAD: frozenset({Scope.ALERTS_COMPOSE, Scope.ALERTS_APPROVE, Scope.PROGRESS_READ}),
}
"""The most that a token of an organiser with this role may be used for."""

Caution = Literal["threshold-of-one", "too-few-organisers"]


class Approvals(msgspec.Struct, frozen=True, kw_only=True):
    """How many organisers stand behind an act, and whether that is enough."""

    given: int
    needed: int
    granted: bool
    organisers: int
    """How many there are in all, the composer included."""
    warnings: list[Caution]

    def shown(self) -> wire.Approvals:
        """As clients see it."""
        return wire.Approvals(given=self.given, needed=self.needed, organisers=self.organisers)


def decide(
    *, composer: UUID | None, approvers: Collection[UUID], needed: int, organisers: int
) -> Approvals:
    """Whether those who stand behind an act are enough to let it happen.

    The composer is the first of them, and yet nothing happens before somebody approved: with a
    threshold of one that is her own second step.

    Args:
        composer: who composed it, or None when she has left.
        approvers: who approved it and has not left.
        needed: how many distinct organisers the act needs; at least one.
        organisers: how many there are in all.
    """
    standing = {*approvers, *([composer] if composer else [])}
    warnings: list[Caution] = []
    if needed == 1:
        warnings.append("threshold-of-one")
    if organisers < needed:
        warnings.append("too-few-organisers")
    return Approvals(
        given=len(standing),
        needed=needed,
        granted=bool(approvers) and len(standing) >= needed,
        organisers=organisers,
        warnings=warnings,
    )


def may_approve(*, organiser: UUID, composer: UUID | None, needed: int) -> bool:
    """Whether an approval may come from `organiser`: her own act only when she alone is enough."""
    return organiser != composer or needed == 1


NEWCOMER = timedelta(hours=24)
"""How long an organiser whom another one invited does not yet count behind acts."""


def trusted_from(now: datetime, *, by_operator: bool, organisers: int, needed: int) -> datetime:
    """From when an organiser who comes in now counts behind acts.

    At once when the operator invited her, or while there are too few to approve anything: a
    collective has to begin. Otherwise a day later, in which the others see her come; or one
    hijacked account could invite its own second.

    Args:
        organisers: how many there are without her.
        needed: the highest threshold there is.
    """
    return now if by_operator or organisers < needed else now + NEWCOMER


def may_invite(scopes: Iterable[str], role: Role) -> bool:
    """Whether a token with `scopes` may bring in a `role`: never one that may do more."""
    return SCOPES_OF[role] <= set(scopes)


def usable_scopes(scopes: Iterable[str], role: Role) -> frozenset[Scope]:
    """What a token is good for now: what it was made for, as far as the role still allows it."""
    return SCOPES_OF[role].intersection(scopes)


def last_day(today: date) -> date:
    """The last day that an access token made `today` may work."""
    return today + timedelta(days=MAX_ACCESS_DAYS)


def invite_state(*, used: bool, expires_at: datetime, now: datetime) -> InviteState:
    """Whether an invite can still be redeemed."""
    if used:
        return InviteState.USED
    return InviteState.EXPIRED if expires_at <= now else InviteState.OPEN
