"""Every error answer: problem details (RFC 9457)."""

from typing import Annotated

import msgspec

from schemas.base import Wire


class InvalidField(Wire, frozen=True):
    """One place in the request that could not be accepted. Never holds the value that was sent."""

    pointer: Annotated[str, msgspec.Meta(description="JSON pointer or parameter name")]
    reason: str


class ProblemDetails(Wire, frozen=True, forbid_unknown_fields=False, omit_defaults=True):
    """Problem details (RFC 9457) with a stable `type`."""

    type: Annotated[
        str,
        msgspec.Meta(
            description="Stable address of the kind of problem; its last segment is the slug",
            examples=["/problems/not-found"],
        ),
    ]
    title: Annotated[str, msgspec.Meta(examples=["There is nothing here"])]
    status: Annotated[int, msgspec.Meta(ge=400, le=599, examples=[404])]
    detail: str | None = None
    errors: list[InvalidField] | None = None
