"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

MONDAY_NOON_IN_SEOUL = datetime(2024, 9, 2, 3, 0, tzinfo=UTC)
"""2 September 2024, 12:00 in Seoul: the Monday after the first Friday at Exit 10."""


class SetClock:
    """Gives the instant that it was set to."""

    def __init__(self, instant: datetime = MONDAY_NOON_IN_SEOUL) -> None:
        self._instant = instant

    def __call__(self) -> datetime:
        return self._instant

    def set(self, instant: datetime) -> None:
        """Jump to `instant`, which has a zone."""
        self._instant = instant.astimezone(UTC)

    def forward(self, **duration: float) -> None:
        """Move on, in the words of `timedelta`: `clock.forward(hours=3)`."""
        self._instant += timedelta(**duration)
