"""The coalition's rows. The only reader of its queries.sql; decides nothing."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from backend.core.sql import Executor, Queries

_queries = Queries.beside(__file__)


class BearerRow(msgspec.Struct, frozen=True):
    """An organiser and the live token that speaks for her."""

    id: UUID
    handle: str
    role: str
    token: UUID
    scopes: list[str]


class InviteRow(msgspec.Struct, frozen=True):
    """An invite, used or not."""

    id: UUID
    digest: bytes
    role: str
    expires_at: datetime
    by_operator: bool
    redeemed_by: UUID | None


class OrganiserRow(msgspec.Struct, frozen=True):
    """An organiser who has not left."""

    id: UUID
    handle: str
    role: str


class MemberRow(msgspec.Struct, frozen=True):
    """An organiser and the scopes of one of her tokens."""

    id: UUID
    handle: str
    role: str
    scopes: list[str]


class AccessTokenRow(msgspec.Struct, frozen=True):
    """An access token, live or expired."""

    id: UUID
    organiser: UUID
    digest: bytes
    scopes: list[str]
    expires_on: date
    last_used_on: date | None


class StandingRow(msgspec.Struct, frozen=True):
    """Who stands behind an act."""

    composer_is_here: bool
    approvers: list[UUID]
    organisers: int


async def authenticate(on: Executor, digest: bytes, today: date) -> BearerRow | None:
    """Whom a live token speaks for; notes that it was used `today`."""
    return await _queries.one(on, "authenticate", BearerRow, digest=digest, today=today)


async def hold_invite(on: Executor, digest: bytes) -> InviteRow | None:
    """The invite of a digest, held until the transaction ends."""
    return await _queries.one(on, "hold_invite", InviteRow, digest=digest)


async def find_invite(on: Executor, id: UUID) -> InviteRow | None:
    """One invite."""
    return await _queries.one(on, "find_invite", InviteRow, id=id)


async def list_invites(on: Executor) -> list[InviteRow]:
    """All invites, the next to expire first."""
    return await _queries.all(on, "list_invites", InviteRow)


async def insert_invite(
    on: Executor,
    id: UUID,
    digest: bytes,
    role: str,
    expires_at: datetime,
    *,
    by_operator: bool,
) -> bool:
    """Write an invite; False when its id or its token is taken."""
    return bool(
        await _queries.run(
            on,
            "insert_invite",
            id=id,
            digest=digest,
            role=role,
            expires_at=expires_at,
            by_operator=by_operator,
        )
    )


async def use_invite(on: Executor, id: UUID, organiser: UUID) -> None:
    """Note who redeemed an invite."""
    await _queries.run(on, "use_invite", id=id, organiser=organiser)


async def delete_invite(on: Executor, id: UUID) -> None:
    """Remove an invite, if there is one."""
    await _queries.run(on, "delete_invite", id=id)


async def delete_expired_invites(on: Executor, before: datetime) -> int:
    """Remove invites that expired before an instant; gives their number."""
    return await _queries.run(on, "delete_expired_invites", before=before)


async def insert_organiser(on: Executor, member: MemberRow, trusted_from: datetime) -> None:
    """Write a new organiser, who counts behind acts from an instant on."""
    await _queries.run(
        on,
        "insert_organiser",
        id=member.id,
        handle=member.handle,
        role=member.role,
        trusted_from=trusted_from,
    )


async def trusted_from(on: Executor, id: UUID) -> datetime | None:
    """The instant from which an organiser counts behind acts; None for nobody."""
    instant = await _queries.value(on, "trusted_from", id=id)
    return instant if isinstance(instant, datetime) else None


async def find_member(on: Executor, id: UUID, digest: bytes) -> MemberRow | None:
    """An organiser, provided that the token of `digest` is hers."""
    return await _queries.one(on, "find_member", MemberRow, id=id, digest=digest)


async def find_organisers_by_handle(on: Executor, handle: str) -> list[OrganiserRow]:
    """Everybody who is called so."""
    return await _queries.all(on, "find_organisers_by_handle", OrganiserRow, handle=handle)


async def count_organisers(on: Executor) -> int:
    """How many organisers have not left."""
    return int(await _queries.value(on, "count_organisers"))


async def insert_access_token(
    on: Executor,
    id: UUID,
    organiser: UUID,
    digest: bytes,
    scopes: Sequence[str],
    expires_on: date,
) -> bool:
    """Write an access token; False when its id or its token is taken."""
    return bool(
        await _queries.run(
            on,
            "insert_access_token",
            id=id,
            organiser=organiser,
            digest=digest,
            scopes=scopes,
            expires_on=expires_on,
        )
    )


async def find_access_token(on: Executor, id: UUID) -> AccessTokenRow | None:
    """One access token, whoever holds it."""
    return await _queries.one(on, "find_access_token", AccessTokenRow, id=id)


async def list_access_tokens(on: Executor, organiser: UUID) -> list[AccessTokenRow]:
    """An organiser's access tokens, the next to expire first."""
    return await _queries.all(on, "list_access_tokens", AccessTokenRow, organiser=organiser)


async def delete_access_token(on: Executor, id: UUID, organiser: UUID) -> None:
    """Remove one of an organiser's access tokens, if it is there."""
    await _queries.run(on, "delete_access_token", id=id, organiser=organiser)


async def delete_expired_access_tokens(on: Executor, before: date) -> int:
    """Remove access tokens whose last day was before a date; gives their number."""
    return await _queries.run(on, "delete_expired_access_tokens", before=before)


async def hold_subject(on: Executor, subject: UUID) -> None:
    """Let one transaction at a time decide on a subject."""
    await _queries.value(on, "hold_subject", subject=str(subject))


async def insert_approval(on: Executor, subject: UUID, action: str, organiser: UUID) -> None:
    """Note that an organiser stands behind an act, if that is not noted yet."""
    await _queries.run(on, "insert_approval", subject=subject, action=action, organiser=organiser)


async def find_standing(
    on: Executor, subject: UUID, action: str, composer: UUID | None, now: datetime
) -> StandingRow:
    """Who stands behind an act, is trusted by now and has not left."""
    row = await _queries.one(
        on,
        "find_standing",
        StandingRow,
        subject=subject,
        action=action,
        composer=composer,
        now=now,
    )
    if row is None:
        raise LookupError("a select without from always gives one row")
    return row


async def delete_approvals(on: Executor, subject: UUID) -> None:
    """Forget who stood behind acts on a subject."""
    await _queries.run(on, "delete_approvals", subject=subject)
