"""Shows a change that waits for organisers to agree, and whose agreement it has."""

import msgspec

from backend.coalition.service import CoalitionService
from backend.core.sql import Executor
from backend.events.repository import ProposalRow
from schemas.changes import Change, Effects, Proposal, ProposalState

ACTION = "cancellation"
"""The act whose threshold holds for everything that takes gatherings away."""


async def shown(on: Executor, row: ProposalRow, coalition: CoalitionService) -> Proposal:
    """A proposal as organisers see it."""
    approvals = await coalition.approvals(
        on,
        subject=row.id,
        action=ACTION,
        composer=row.composer,
        needed=coalition.threshold(ACTION),
    )
    return Proposal(
        id=row.id,
        series=row.series,
        change=msgspec.convert(row.change, Change),
        effects=msgspec.convert(row.effects, Effects),
        state=ProposalState(row.state),
        composed_at=row.composed_at,
        approvals=approvals.shown(),
    )
