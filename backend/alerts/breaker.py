"""A circuit breaker for each push service: after many refusals in a row it is left in peace.

Kept in the worker's memory only; another worker learns for itself.
"""

from datetime import datetime, timedelta

import msgspec

TOLERATED = 20
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_ASKED = timedelta(hours=24)


class _Host(msgspec.Struct):
    refusals: int = 0
    pauses: int = 0
    asked: timedelta = timedelta()
    closed_until: datetime | None = None


class Breaker:
    """Which hosts may be sent to now. One success makes a host whole again."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}

    def closed_until(self, host: str, now: datetime) -> datetime | None:
        """None when `host` may be tried, otherwise when it may be tried again.

        After a pause a few messages go out as a probe; the next refusal closes it again.
        """
        state = self._hosts.get(host)
        if state is None or state.closed_until is None:
            return None
        if now < state.closed_until:
            return state.closed_until
        state.closed_until = None
        state.refusals = TOLERATED - 1
        return None

    def succeeded(self, host: str) -> None:
        """A message was accepted or the subscription was known to be over."""
        self._hosts.pop(host, None)

    def refused(self, host: str, now: datetime, retry_after: timedelta | None) -> None:
        """The host was overloaded, broken or silent."""
        state = self._hosts.setdefault(host, _Host())
        state.refusals += 1
        if retry_after is not None:
            state.asked = max(state.asked, min(retry_after, LONGEST_ASKED))
        if state.refusals >= TOLERATED and state.closed_until is None:
            pause = min(FIRST_PAUSE * 2**state.pauses, LONGEST_PAUSE)
            state.closed_until = now + max(pause, state.asked)
            state.pauses = min(state.pauses + 1, 16)
            state.asked = timedelta()
