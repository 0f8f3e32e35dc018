"""Turns rows into what people read. Picks languages and places; asks no database."""

from datetime import datetime
from zoneinfo import ZoneInfo

from backend.core.languages import pick
from backend.events import repository, rules
from backend.events.calendar_rules import Written
from backend.events.repository import OccurrenceRow, UpcomingRow, WrittenRow
from backend.places.service import PlaceService
from schemas.changes import OccurrencePlan
from schemas.events import GatheringText, Occurrence, OccurrenceDetail, Series


def texts(row: OccurrenceRow | UpcomingRow) -> dict[str, GatheringText]:
    """The texts of a gathering, its own before its series'."""
    return rules.merged(repository.gathering_texts(row.texts), repository.own_texts(row.own_texts))


def occurrence(
    row: OccurrenceRow, places: PlaceService, wanted: tuple[str, ...], now: datetime
) -> Occurrence:
    """A gathering in the language that suits best."""
    language, text = pick(texts(row), wanted)
    zone = ZoneInfo(row.time_zone)
    return Occurrence(
        id=row.id,
        series=row.series,
        root=row.root,
        kind=row.kind,
        state=rules.told_state(row.state, row.ends_at, now),
        reason=None if row.reason is None else pick(row.reason, (language,))[1],
        starts_at=row.starts_at.astimezone(zone),
        ends_at=row.ends_at.astimezone(zone),
        time_zone=row.time_zone,
        lang=language,
        title=text.title,
        summary=text.summary,
        meeting_point=text.meeting_point,
        place=places.get(row.place),
    )


def detail(
    row: OccurrenceRow, places: PlaceService, wanted: tuple[str, ...], now: datetime
) -> OccurrenceDetail:
    """A gathering in the language that suits best, and its texts in all."""
    told, all_texts = occurrence(row, places, wanted, now), texts(row)
    remarks, borrowed = rules.with_borrowed(all_texts, told.lang)
    return OccurrenceDetail(
        **{name: getattr(told, name) for name in told.__struct_fields__},
        press=repository.press(row.press),
        remarks=remarks,
        borrowed=borrowed,
        texts=all_texts,
    )


def details(row: OccurrenceRow, places: PlaceService, now: datetime) -> list[OccurrenceDetail]:
    """A gathering in each of its languages."""
    return [detail(row, places, (language,), now) for language in texts(row)]


def plan(series: Series, row: WrittenRow) -> OccurrencePlan:
    """What is different about a gathering, as organisers sent it."""
    held = rules.schedule_of(series)
    duration = row.ends_at - row.starts_at
    own_duration = row.moved and duration != held.duration
    return OccurrencePlan(
        starts_local=row.starts_at.astimezone(held.zone).replace(tzinfo=None)
        if row.moved
        else None,
        duration_minutes=int(duration.total_seconds() // 60) if own_duration else None,
        place=row.place,
        texts=None if row.texts is None else repository.own_texts(row.texts),
    )


def written(series: Series, row: WrittenRow, places: PlaceService) -> Written:
    """A gathering as calendars compare it with the rule."""
    return Written(
        id=row.id,
        recurrence_id=row.recurrence_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        state=row.state,
        texts=rules.merged(series.texts, repository.own_texts(row.texts)),
        place=places.get(row.place or series.place),
        added=row.added,
        own=row.texts is not None or row.place is not None,
        reason=row.reason,
        sequence=row.sequence,
        changed_at=row.changed_at,
    )
