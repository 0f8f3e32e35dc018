"""What a calendar or a feed has to tell of a series. Values only: no I/O and no decision.

A calendar that holds the rule without `exdates`, and the overrides in their places, shows the same
gatherings at the same instants as the list of occurrences.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from schemas.events import GatheringText, Kind
from schemas.places import Place


class CalendarOverride(msgspec.Struct, frozen=True, kw_only=True):
    """A gathering that differs from what the rule makes, or that the rule does not make.

    `recurrence_id` is the start by the rule on the wall clock of the series' zone (RECURRENCE-ID,
    RFC 5545 section 3.8.4.4). What was `added` has no part in the rule: an event of its own, with
    the uid `<id>@exit10`. `reason` is public and by language.
    """

    id: UUID
    recurrence_id: datetime
    starts_at: datetime
    ends_at: datetime
    state: Literal["scheduled", "cancelled"]
    texts: dict[str, GatheringText]
    place: Place
    sequence: int
    changed_at: datetime
    reason: dict[str, str] | None
    added: bool


class CalendarSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One event that repeats, or one that does not.

    Without a rule it has at most one override that is not added: then that one takes the place of
    the event itself. When `exdates` of an event without a rule holds its start, only what was
    added is held. `sequence` is never smaller than that of an override (RFC 5545 section 3.8.7.4).
    """

    id: UUID
    uid: str
    kind: Kind
    texts: dict[str, GatheringText]
    place: Place
    time_zone: str
    starts_local: datetime
    duration: timedelta
    rrule: str | None
    exdates: list[datetime]
    overrides: list[CalendarOverride]
    sequence: int
    changed_at: datetime
