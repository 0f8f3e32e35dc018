"""What is said between a push service in its own process and those who rehearse with it.

One JSON object a line: commands on its standard input, answers on its standard output.
"""

import msgspec

from backend.drill.push_faults import Fault


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Give out endpoints for `count` more phones; the answer holds their ids in order."""

    count: int


class SetFault(msgspec.Struct, frozen=True, tag="set-fault"):
    """Let a fault strike phones by number, or all of them."""

    fault: Fault
    phones: list[int] | None = None


class ClearFaults(msgspec.Struct, frozen=True, tag="clear-faults"):
    """Heal phones by number, or everything. Phones that were offline get what was kept for them."""

    phones: list[int] | None = None


class AwaitReached(msgspec.Struct, frozen=True, tag="await-reached"):
    """Answer as soon as so many phones were reached."""

    phones: int


class GetCounts(msgspec.Struct, frozen=True, tag="get-counts"):
    """Answer at once. The spool is flushed, so that it holds every message that is counted."""


class StartOver(msgspec.Struct, frozen=True, tag="start-over"):
    """Count from nought and spool to a new file; phones, kept messages and faults stay."""


Command = Subscribe | SetFault | ClearFaults | AwaitReached | GetCounts | StartOver


class Asked(msgspec.Struct, frozen=True):
    """A command and the number under which its answer comes back."""

    number: int
    command: Command


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the push service has seen since it started over. Times are monotonic seconds."""

    accepted: int = 0
    """Messages answered with 201 and handed to their phones."""
    reached: int = 0
    """Phones with at least one message."""
    kept: int = 0
    """Messages waiting for phones that are offline."""
    refused: dict[str, int] = {}
    """Requests by the status or the fault they met."""
    connections: int = 0
    first_at: float | None = None
    last_at: float | None = None
    """When the last phone to be reached got its first message."""
    spool: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one command."""

    number: int
    counts: Counts
    endpoints: list[str] | None = None


class Ready(msgspec.Struct, frozen=True):
    """The first line the push service prints: where it listens and whom to trust for it."""

    origin: str
    authority: str
