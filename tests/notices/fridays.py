"""Gatherings and records as the tests of notices use them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from backend.notices.rules import Gathering, Kept
from schemas.events import Kind
from schemas.notices import NoticeRecord

SEOUL = ZoneInfo("Asia/Seoul")
ZONES = [
    SEOUL,
    *map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo")),
]
"""Seoul has no summer time. The others have: by half an hour in Lord Howe, at midnight in Cairo."""

FRIDAY = datetime(2024, 9, 20, 19, 0, tzinfo=SEOUL)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

zones = st.sampled_from(ZONES)
minutes = st.datetimes(datetime(2023, 12, 1), datetime(2029, 3, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
"""Across five ends of year and two 29ths of February."""


def gathering(
    starts_at: datetime = FRIDAY,
    zone: ZoneInfo = SEOUL,
    *,
    kind: Kind = "rally",
    called_off: bool = False,
) -> Gathering:
    """A gathering, by default Friday 20 September 2024 at Exit 10."""
    return Gathering(kind, starts_at, zone, called_off)


def kept(filed_for: datetime | None = FRIDAY, **fields: Any) -> Kept:
    """What is kept of a record, by default of one filed on time for that Friday."""
    fields = {"state": "filed", "filed_at": FRIDAY - 100 * HOUR, **fields}
    return Kept(NoticeRecord(**fields), filed_for, 1)
