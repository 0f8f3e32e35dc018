"""What the worker does for events: keeps the horizon filled, and forgets who proposed what."""

from backend.events.proposal_service import ProposalService
from backend.events.service import EventService


async def materialise_all(events: EventService) -> int:
    """Write down every occurrence that came within the horizon; gives their number.

    Each series is its own transaction. Repeating it, or doing it twice at once, adds nothing.
    """
    return sum([await events.materialise(series) for series in await events.published_series()])


async def forget_proposals(proposals: ProposalService) -> int:
    """Forget proposals that are over; gives their number."""
    return await proposals.forget()
