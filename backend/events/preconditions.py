"""What a change has to say before it may overwrite: which version it was based on (If-Match)."""

from collections.abc import Callable, Iterable

import msgspec

Precondition = Callable[[Iterable[msgspec.Struct]], bool]
"""Whether a change was based on one of these: the present forms of what it changes."""


class PreconditionNeeded(Exception):  # noqa: N818 - RFC 6585 section 3 calls it a requirement
    """Something would change, and the caller did not say which version she saw."""


class PreconditionFailed(Exception):  # noqa: N818 - RFC 9110 section 15.5.13
    """It is not what the change was based on."""


def check(based_on: Precondition | None, present: Iterable[msgspec.Struct]) -> None:
    """Let a change go on that was based on what is there.

    Raises:
        PreconditionNeeded, PreconditionFailed: see there.
    """
    if based_on is None:
        raise PreconditionNeeded
    if not based_on(present):
        raise PreconditionFailed
