"""Verbs about changes that wait: read, drop, forget. To agree is a verb of `ChangeService`."""

from datetime import timedelta
from uuid import UUID

from backend.coalition.service import CoalitionService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, NotFound
from backend.events import proposals, repository
from schemas.changes import Proposal, Proposals

MOST_SHOWN = 100
KEPT_DECIDED = timedelta(hours=24)
KEPT_OPEN = timedelta(days=7)


class ProposalService:
    """What waits for organisers to agree."""

    def __init__(self, pool: Pool, clock: Clock, coalition: CoalitionService) -> None:
        self._pool = pool
        self._clock = clock
        self._coalition = coalition

    async def list_open(self) -> Proposals:
        """The oldest 100."""
        async with self._pool.acquire() as connection:
            rows = await repository.list_proposals(connection, MOST_SHOWN)
            return Proposals(
                items=[await proposals.shown(connection, row, self._coalition) for row in rows]
            )

    async def find(self, proposal: UUID) -> Proposal:
        """One of them, in whatever state.

        Raises:
            NotFound: there is none, or it was forgotten.
        """
        async with self._pool.acquire() as connection:
            row = await repository.find_proposal(connection, proposal)
            if row is None:
                raise NotFound
            return await proposals.shown(connection, row, self._coalition)

    async def withdraw(self, proposal: UUID) -> Proposal:
        """Drop a proposal.

        Raises:
            NotFound: there is none.
            Conflict: `proposal-over`, it was done.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await repository.lock_proposal(connection, proposal)
            if row is None:
                raise NotFound
            if row.state == "done":
                raise Conflict("proposal-over", "This was done.")
            await repository.decide_proposal(connection, proposal, "withdrawn", self._clock())
            await self._coalition.withdraw_approvals(connection, proposal)
            found = await repository.find_proposal(connection, proposal)
            return await proposals.shown(connection, found or row, self._coalition)

    async def forget(self) -> int:
        """Forget proposals a day after they were decided, and those that nobody decided within a
        week, with whoever stood behind them; gives their number.
        """
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            over = await repository.forget_proposals(
                connection, now - KEPT_DECIDED, now - KEPT_OPEN
            )
            for proposal in over:
                await self._coalition.withdraw_approvals(connection, proposal)
        return len(over)
