"""Which week is which epoch, and when its key is destroyed. Pure."""

from datetime import date, timedelta

import msgspec

FIRST_MONDAY = date(1970, 1, 5)
WEEK = timedelta(days=7)
KEPT_AFTER_END = timedelta(days=28)
"""How long an epoch's private key outlives its week, and so how long a silent phone is reached."""


class Epoch(msgspec.Struct, frozen=True):
    """A week, Monday to Monday in UTC. Subscriptions made in it are sealed to its key."""

    id: int
    starts_on: date
    ends_on: date

    @property
    def destroyed_on(self) -> date:
        """The day its private key goes."""
        return self.ends_on + KEPT_AFTER_END


def epoch_of(id: int) -> Epoch:
    """The epoch with this number."""
    starts_on = FIRST_MONDAY + id * WEEK
    return Epoch(id, starts_on, starts_on + WEEK)


def epoch_at(day: date) -> Epoch:
    """The epoch that a day lies in."""
    return epoch_of((day - FIRST_MONDAY).days // WEEK.days)


def needed(day: date) -> list[Epoch]:
    """The epochs whose keys must exist on a day: this week's and, made ahead, the next one's."""
    present = epoch_at(day)
    return [present, epoch_of(present.id + 1)]


def overdue(ids: set[int], day: date) -> set[int]:
    """The epochs whose private keys must be gone by a day."""
    return {id_ for id_ in ids if epoch_of(id_).destroyed_on <= day}
