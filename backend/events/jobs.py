"""What the worker does for events: keeps the horizon of occurrences filled."""

from backend.events.service import EventService


async def materialise_all(events: EventService) -> int:
    """Write down every occurrence that came within the horizon; gives their number.

    Each series is its own transaction. Repeating it, or doing it twice at once, adds nothing.
    """
    return sum([await events.materialise(series) for series in await events.published_series()])
