"""What can go wrong inside the domains, in words that know no HTTP. Never holds what was sent.

Each error has a `slug`, which clients may rely on, and a `sentence` for people.
"""


class DomainError(Exception):
    """Base of every refusal by a service."""

    def __init__(self, slug: str, sentence: str) -> None:
        super().__init__(sentence)
        self.slug = slug
        self.sentence = sentence


class NotFound(DomainError):  # noqa: N818 - reads as what happened
    """There is no such thing, or none that the caller may know of."""

    def __init__(self, slug: str = "not-found", sentence: str = "There is nothing here.") -> None:
        super().__init__(slug, sentence)


class Conflict(DomainError):  # noqa: N818
    """The thing is in a state that does not allow this."""


class Refused(DomainError):  # noqa: N818
    """The caller is known and may not do this."""


class Unacceptable(DomainError):  # noqa: N818
    """The request is well formed and asks for what cannot be."""


class Gone(DomainError):  # noqa: N818
    """It was here, and is over."""


class Unavailable(DomainError):  # noqa: N818
    """Not now: a part of the system that this needs does not answer or is not ready."""
