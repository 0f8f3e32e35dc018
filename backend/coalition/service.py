"""What the coalition does: lets organisers in, knows their tokens, counts who stands behind an act.

It knows organisers by handle and role only, and tokens by keyed digests only.
"""

import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from backend.coalition import repository, rules
from backend.coalition.handles import handle_of
from backend.coalition.repository import AccessTokenRow, InviteRow, MemberRow
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, Gone, NotFound, Refused, Unacceptable
from backend.core.guards import Organiser
from backend.core.sql import Executor
from backend.core.tokens import Purpose, digest, parse_token
from backend.settings import Settings
from schemas.coalition import (
    AccessToken,
    AccessTokenRequest,
    AccessTokens,
    Invite,
    InviteRedemption,
    InviteRequest,
    Invites,
    Membership,
    Role,
    Scope,
)

REPEATABLE = timedelta(days=1)
"""How long after an invite's expiry the one who redeemed it may still repeat her request."""


class CoalitionService:
    """Organisers, invites, access tokens and approvals."""

    def __init__(self, pool: Pool, clock: Clock, settings: Settings) -> None:
        self._pool = pool
        self._clock = clock
        self._token_key = settings.token_key
        self._thresholds = settings.approvals

    async def authenticate(self, token: bytes) -> Organiser | None:
        """Whom an access token speaks for; None when it expired, was revoked or never was."""
        row = await repository.authenticate(
            self._pool, digest(self._token_key, Purpose.ACCESS, token), self._clock().date()
        )
        if row is None:
            return None
        return Organiser(
            id=row.id,
            handle=row.handle,
            role=row.role,
            token=row.token,
            scopes=frozenset(rules.usable_scopes(row.scopes, Role(row.role))),
        )

    async def redeem_invite(
        self, bearer: bytes, request: InviteRedemption
    ) -> tuple[Membership, bool]:
        """Make an organiser of whoever holds an invite; True when she is new.

        The same invite with the same bearer token gives the same organiser again.

        Raises:
            NotFound: there is no such invite.
            Conflict: `invite-used` by somebody else, or `token-taken` by another organiser.
            Gone: `invite-expired`.
            Unacceptable: `token-not-fresh`, the bearer token is the invite's.
        """
        invite_token = parse_token(request.invite)
        if invite_token is None:
            raise NotFound
        if invite_token == bearer:
            raise Unacceptable(
                "token-not-fresh", "Make a new token; the invite's has been in a link."
            )
        access = digest(self._token_key, Purpose.ACCESS, bearer)
        async with self._pool.acquire() as connection, connection.transaction():
            invite = await repository.hold_invite(
                connection, digest(self._token_key, Purpose.INVITE, invite_token)
            )
            if invite is None:
                raise NotFound
            if invite.redeemed_by is not None:
                member = await repository.find_member(connection, invite.redeemed_by, access)
                if member is None:
                    raise Conflict("invite-used", "Somebody came in with this invite already.")
                return _membership(member), False
            if invite.expires_at <= self._clock():
                raise Gone("invite-expired", "This invite has expired; ask for a new one.")
            return _membership(await self._admit(connection, invite, access, request)), True

    async def _admit(
        self, connection: Executor, invite: InviteRow, access: bytes, request: InviteRedemption
    ) -> MemberRow:
        member = MemberRow(
            id=uuid4(),
            handle=request.handle or handle_of(secrets.token_bytes(4)),
            role=invite.role,
            scopes=sorted(rules.SCOPES_OF[Role(invite.role)]),
        )
        trusted_from = rules.trusted_from(
            self._clock(),
            by_operator=invite.by_operator,
            organisers=await repository.count_organisers(connection),
            needed=max(self._thresholds.values()),
        )
        await repository.insert_organiser(connection, member, trusted_from)
        made = await repository.insert_access_token(
            connection,
            uuid4(),
            member.id,
            access,
            member.scopes,
            rules.last_day(self._clock().date()),
        )
        if not made:
            raise Conflict("token-taken", "This token is in use; make a new one.")
        await repository.use_invite(connection, invite.id, member.id)
        return member

    async def make_invite(
        self,
        id: UUID,
        request: InviteRequest,
        organiser: Organiser,
    ) -> tuple[Invite, bool]:
        """Make an invite; True when it is new, False when it was made so before.

        Raises:
            Refused: `role-beyond-own`, the caller's token may do less than the invited could.
            Conflict: `invite-taken`, the id or the token belongs to another invite.
        """
        if not rules.may_invite(organiser.scopes, request.role):
            raise Refused("role-beyond-own", "Nobody invites one who may do more than herself.")
        token = digest(self._token_key, Purpose.INVITE, _bytes_of(request.token))
        expires_at = self._clock() + timedelta(hours=request.expires_in_hours)
        async with self._pool.acquire() as connection, connection.transaction():
            created = await repository.insert_invite(
                connection, id, token, request.role, expires_at, by_operator=False
            )
            row = await repository.find_invite(connection, id)
        if row is None or row.digest != token or row.role != request.role:
            raise Conflict("invite-taken", "Another invite has this id or this token.")
        return self._invite(row), created

    async def invites(self) -> Invites:
        """All invites that were not swept away yet."""
        rows = await repository.list_invites(self._pool)
        return Invites(items=[self._invite(row) for row in rows])

    async def revoke_invite(self, id: UUID) -> None:
        """Nobody comes in with this invite any more. Who came in already stays."""
        await repository.delete_invite(self._pool, id)

    async def make_access_token(
        self,
        id: UUID,
        request: AccessTokenRequest,
        organiser: Organiser,
    ) -> tuple[AccessToken, bool]:
        """Make one more access token for the caller; True when it is new.

        Raises:
            Refused: `scope-beyond-own`, the caller's token does not have a scope itself.
            Unacceptable: `expiry-unacceptable`, it is past or more than a year away.
            Conflict: `token-taken`, the id or the token is in use otherwise.
        """
        today = self._clock().date()
        if not organiser.scopes.issuperset(request.scopes):
            raise Refused("scope-beyond-own", "A token cannot be given more than one's own has.")
        if not today <= request.expires_on <= rules.last_day(today):
            raise Unacceptable(
                "expiry-unacceptable", "A token expires today at the earliest, and within a year."
            )
        token = digest(self._token_key, Purpose.ACCESS, _bytes_of(request.token))
        wanted = (organiser.id, token, sorted(set(request.scopes)), request.expires_on)
        async with self._pool.acquire() as connection, connection.transaction():
            created = await repository.insert_access_token(connection, id, *wanted)
            row = await repository.find_access_token(connection, id)
        if row is None or (row.organiser, row.digest, row.scopes, row.expires_on) != wanted:
            raise Conflict("token-taken", "This id or this token is in use; make a new one.")
        return _access_token(row, organiser), created

    async def access_tokens(self, organiser: Organiser) -> AccessTokens:
        """The caller's access tokens."""
        rows = await repository.list_access_tokens(self._pool, organiser.id)
        return AccessTokens(items=[_access_token(row, organiser) for row in rows])

    async def revoke_access_token(self, id: UUID, organiser: Organiser) -> None:
        """One of the caller's access tokens works no more, from the next request on."""
        await repository.delete_access_token(self._pool, id, organiser.id)

    def threshold(self, action: str) -> int:
        """How many organisers an action needs, by the operator's setting.

        Raises:
            LookupError: the settings know no such action.
        """
        return self._thresholds[action]

    async def active_organisers(self) -> int:
        """How many organisers have not left."""
        return await repository.count_organisers(self._pool)

    async def approve(
        self,
        connection: Executor,
        subject: UUID,
        action: str,
        organiser: UUID,
        composer: UUID | None,
        needed: int,
    ) -> rules.Approvals:
        """Note that an organiser stands behind an act, and say whether it may happen now.

        Runs in the caller's transaction, in which nobody else decides on `subject`. Approving twice
        counts once. With fewer organisers than needed it is noted all the same, and the answer
        says how many there are.

        Raises:
            Refused: `own-approval`, the composer alone is not enough; `too-new`, she came in within
                the last day, invited by one who might have done so for this.
        """
        if not rules.may_approve(organiser=organiser, composer=composer, needed=needed):
            raise Refused("own-approval", "Another organiser must approve what you composed.")
        trusted_from = await repository.trusted_from(connection, organiser)
        if trusted_from is None or trusted_from > self._clock():
            raise Refused("too-new", "What you approve counts from a day after you came in.")
        await repository.hold_subject(connection, subject)
        await repository.insert_approval(connection, subject, action, organiser)
        return await self.approvals(connection, subject, action, composer, needed)

    async def approvals(
        self,
        connection: Executor,
        subject: UUID,
        action: str,
        composer: UUID | None,
        needed: int,
    ) -> rules.Approvals:
        """Who stands behind an act. Those who have left or came in within a day do not."""
        standing = await repository.find_standing(
            connection, subject, action, composer, self._clock()
        )
        return rules.decide(
            composer=composer if standing.composer_is_here else None,
            approvers=standing.approvers,
            needed=needed,
            organisers=standing.organisers,
        )

    async def withdraw_approvals(self, connection: Executor, subject: UUID) -> None:
        """Forget every approval of a subject: it has changed, or is over."""
        await repository.delete_approvals(connection, subject)

    async def forget_expired(self) -> int:
        """Remove invites and access tokens that are over for a day; gives their number."""
        before = self._clock() - REPEATABLE
        invites = await repository.delete_expired_invites(self._pool, before)
        return invites + await repository.delete_expired_access_tokens(self._pool, before.date())

    def _invite(self, row: InviteRow) -> Invite:
        return Invite(
            id=row.id,
            role=Role(row.role),
            expires_at=row.expires_at,
            state=rules.invite_state(
                used=row.redeemed_by is not None, expires_at=row.expires_at, now=self._clock()
            ),
        )


def _membership(row: MemberRow) -> Membership:
    return Membership(
        organiser=row.id,
        handle=row.handle,
        role=Role(row.role),
        scopes=sorted(rules.usable_scopes(row.scopes, Role(row.role))),
    )


def _access_token(row: AccessTokenRow, organiser: Organiser) -> AccessToken:
    return AccessToken(
        id=row.id,
        scopes=[Scope(scope) for scope in row.scopes],
        expires_on=row.expires_on,
        last_used_on=row.last_used_on,
        current=row.id == organiser.token,
    )


def _bytes_of(token: str) -> bytes:
    """The 32 bytes of a token that a client made.

    Raises:
        Unacceptable: `token-malformed`, its letters stand for no 32 bytes.
    """
    parsed = parse_token(token)
    if parsed is None:
        raise Unacceptable("token-malformed", "A token is 32 bytes in base64url without padding.")
    return parsed
