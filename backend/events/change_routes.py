"""What organisers do to series and gatherings over HTTP. Everything here needs a token."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from backend.core.caching import entity_tag
from backend.core.guards import Organiser, scoped
from backend.core.languages import wanted_languages
from backend.core.pages import MAX_CURSOR_LETTERS, read_cursor, write_cursor
from backend.core.problems import Problem, answers
from backend.events.change_service import (
    ChangeService,
    Made,
    Precondition,
    PreconditionFailed,
    PreconditionNeeded,
)
from backend.events.service import EventService
from schemas.changes import (
    AddedDate,
    Cancellation,
    CancellationRequest,
    Change,
    Effects,
    FollowingChange,
    FollowingPlan,
    OccurrenceChange,
    OccurrencePlan,
    Proposal,
    Reinstatement,
    RemovedDate,
    SeriesChange,
)
from schemas.events import OccurrenceDetail, Series, SeriesPage, SeriesPlan

TOKEN = [{"token": list[str]()}]
WRITE_ANSWERS = answers(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503)
BODILESS_ANSWERS = answers(400, 401, 403, 404, 409, 412, 422, 428, 503)
PROPOSED = ResponseSpec(
    Proposal, generate_examples=False, description="It takes gatherings away: others must agree"
)
SERIES = ResponseSpec(Series, generate_examples=False, description="Changed, or as it was")
GATHERING = ResponseSpec(
    OccurrenceDetail, generate_examples=False, description="Changed, or as it was"
)

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="Entity tag of what the change is based on; not for what is new",
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=MAX_CURSOR_LETTERS, description="`nextCursor` of the page before"),
]


class AfterDraft(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A page of drafts ended behind this id."""

    id: UUID


@put(
    "/v1/series/{series_id:uuid}",
    operation_id="putSeries",
    summary="Make or change a series",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: SERIES,
        201: ResponseSpec(Series, generate_examples=False, description="A new series"),
        202: PROPOSED,
        **WRITE_ANSWERS,
    },
)
async def put_series(
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    series_id: FromPath[UUID],
    data: JSONBody[SeriesPlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Make a series under an id of the client's own, or change it from its next gathering on.

    A change names the version it is based on in If-Match, so that no organiser overwrites another
    unseen. The same request again answers 200 and changes nothing. Gatherings that a changed rule
    no longer makes are cancelled, not removed; as that takes them away, other organisers must
    agree first, and the answer is 202. `Link` names the alert that was drafted for people.
    """
    made = await _make(changes, SeriesChange(series=series_id, plan=data), organiser, if_match)
    return await _series(events, series_id, made)


@get(
    "/v1/series/{series_id:uuid}/plan",
    operation_id="getSeriesPlan",
    summary="A series in whatever state",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Series, generate_examples=False, description="The series"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def get_series_plan(
    events: NamedDependency[EventService], series_id: FromPath[UUID]
) -> Response[bytes]:
    """A series as organisers read it back, drafts included. Its ETag is what a change needs."""
    return _answer(await events.get_plan(series_id))


@get(
    "/v1/drafts",
    operation_id="listDrafts",
    summary="Series that nobody knows yet",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(SeriesPage, generate_examples=False, description="A page of drafts"),
        **answers(400, 401, 403, 503),
    },
)
async def list_drafts(
    events: NamedDependency[EventService], cursor: Cursor = None
) -> Response[bytes]:
    """Every series that was not published, by id, 50 at a time."""
    after = None if cursor is None else read_cursor(cursor, AfterDraft)
    items, more = await (events.list_drafts() if after is None else events.list_drafts(after.id))
    next_cursor = write_cursor(AfterDraft(items[-1].id)) if more else None
    return _answer(SeriesPage(items=items, next_cursor=next_cursor))


@put(
    "/v1/series/{series_id:uuid}/dates/{day:date}",
    operation_id="putSeriesDate",
    summary="Add a date to a series",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={200: SERIES, **WRITE_ANSWERS},
)
async def put_series_date(
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    series_id: FromPath[UUID],
    day: FromPath[date],
    data: JSONBody[OccurrencePlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Hold a gathering on a date that the rule does not make, or bring a removed date back.

    The body says what is different from the series; `{}` for nothing.
    """
    change = AddedDate(series=series_id, date=day, plan=data)
    return await _series(events, series_id, await _make(changes, change, organiser, if_match))


@delete(
    "/v1/series/{series_id:uuid}/dates/{day:date}",
    operation_id="deleteSeriesDate",
    summary="Remove a date from a series",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    status_code=200,
    responses={200: SERIES, 202: PROPOSED, **BODILESS_ANSWERS},
)
async def delete_series_date(
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    series_id: FromPath[UUID],
    day: FromPath[date],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Hold nothing on a date, and say nothing of it in lists and calendars.

    To tell people why, cancel the gathering instead. Other organisers must agree first.
    """
    change = RemovedDate(series=series_id, date=day)
    return await _series(events, series_id, await _make(changes, change, organiser, if_match))


@put(
    "/v1/occurrences/{occurrence_id:uuid}",
    operation_id="putOccurrence",
    summary="Change this gathering only",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={200: GATHERING, **WRITE_ANSWERS},
)
async def put_occurrence(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    occurrence_id: FromPath[UUID],
    data: JSONBody[OccurrencePlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Give a gathering a time, a place or texts of its own; what is left out is its series'.

    It keeps its id wherever it moves. If-Match names what was read, in any language.
    """
    change = OccurrenceChange(occurrence=occurrence_id, plan=data)
    made = await _make(changes, change, organiser, if_match)
    return await _gathering(request, events, occurrence_id, made)


@get(
    "/v1/occurrences/{occurrence_id:uuid}/plan",
    operation_id="getOccurrencePlan",
    summary="What is different about a gathering",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(OccurrencePlan, generate_examples=False, description="Its own"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def get_occurrence_plan(
    events: NamedDependency[EventService], occurrence_id: FromPath[UUID]
) -> Response[bytes]:
    """What organisers gave this gathering alone, as a change would send it again."""
    return _answer(await events.get_occurrence_plan(occurrence_id))


@put(
    "/v1/occurrences/{occurrence_id:uuid}/cancellation",
    operation_id="putOccurrenceCancellation",
    summary="Cancel a gathering",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={200: GATHERING, 202: PROPOSED, **WRITE_ANSWERS},
)
async def put_occurrence_cancellation(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    occurrence_id: FromPath[UUID],
    data: JSONBody[CancellationRequest],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Propose to call a gathering off. With enough organisers behind it, it is, and people get the
    alert that the proposal shows. Everybody may read the reason.
    """
    change = Cancellation(occurrence=occurrence_id, reason=data.reason)
    made = await _make(changes, change, organiser, if_match)
    return await _gathering(request, events, occurrence_id, made)


@delete(
    "/v1/occurrences/{occurrence_id:uuid}/cancellation",
    operation_id="deleteOccurrenceCancellation",
    summary="Hold a cancelled gathering after all",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    status_code=200,
    responses={200: GATHERING, **BODILESS_ANSWERS},
)
async def delete_occurrence_cancellation(
    request: Request[Any, Any, Any],
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    occurrence_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Take a cancellation back before the gathering would have begun."""
    made = await _make(changes, Reinstatement(occurrence=occurrence_id), organiser, if_match)
    return await _gathering(request, events, occurrence_id, made)


@put(
    "/v1/occurrences/{occurrence_id:uuid}/following",
    operation_id="putFollowing",
    summary="Change this gathering and all that follow",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Series, generate_examples=False, description="It was split so before"),
        201: ResponseSpec(Series, generate_examples=False, description="The series that follows"),
        202: PROPOSED,
        **WRITE_ANSWERS,
    },
)
async def put_following(
    events: NamedDependency[EventService],
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    occurrence_id: FromPath[UUID],
    data: JSONBody[FollowingPlan],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Let a new series take over from this gathering's date on.

    Gatherings on the same dates keep their ids, and whoever subscribed to the series before, or
    holds a link to its calendar, follows the new one too. If-Match names the gathering or its
    series.
    """
    change = FollowingChange(occurrence=occurrence_id, series=data.series, plan=data.plan)
    return await _series(events, data.series, await _make(changes, change, organiser, if_match))


@post(
    "/v1/effects",
    operation_id="askEffects",
    summary="What hangs on a change",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    status_code=200,
    responses={
        200: ResponseSpec(Effects, generate_examples=False, description="What it would do"),
        **answers(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
)
async def ask_effects(
    changes: NamedDependency[ChangeService], data: JSONBody[Change]
) -> Response[bytes]:
    """What a change would do, before anybody confirms it. Does nothing.

    How many gatherings it adds, moves, changes and takes away; how many phones follow them; which
    alerts hang on them; and what people would be told.
    """
    return _answer(await changes.effects(data))


ROUTES = [
    put_series,
    get_series_plan,
    list_drafts,
    put_series_date,
    delete_series_date,
    put_occurrence,
    get_occurrence_plan,
    put_occurrence_cancellation,
    delete_occurrence_cancellation,
    put_following,
    ask_effects,
]


async def _make(
    changes: ChangeService, change: Change, organiser: Organiser, if_match: str | None
) -> Made:
    """Do a change on the condition of If-Match.

    Raises:
        Problem: 428 without a condition that is needed, 412 when it does not hold.
    """
    try:
        return await changes.make(change, organiser, _condition(if_match))
    except PreconditionNeeded:
        raise Problem(428) from None
    except PreconditionFailed:
        raise Problem(412) from None


def _condition(if_match: str | None) -> Precondition | None:
    """Whether If-Match names what is there (strong comparison, RFC 9110 section 13.1.1)."""
    if if_match is None:
        return None
    tags = {tag.strip() for tag in if_match.split(",")}

    def names_one(present: Iterable[msgspec.Struct]) -> bool:
        return "*" in tags or any(entity_tag(msgspec.json.encode(each)) in tags for each in present)

    return names_one


async def _series(events: EventService, series: UUID, made: Made) -> Response[bytes]:
    if made.proposal is not None:
        return _answer(made.proposal, 202)
    return _answer(await events.get_plan(series), 201 if made.new else 200, made.alert)


async def _gathering(
    request: Request[Any, Any, Any], events: EventService, occurrence: UUID, made: Made
) -> Response[bytes]:
    if made.proposal is not None:
        return _answer(made.proposal, 202)
    wanted = wanted_languages(None, request.headers.get("accept-language"))
    return _answer(await events.get_occurrence(occurrence, wanted), 200, made.alert)


def _answer(
    content: msgspec.Struct, status: int = 200, alert: UUID | None = None
) -> Response[bytes]:
    body = msgspec.json.encode(content)
    headers = {"ETag": entity_tag(body), "Cache-Control": "no-store"}
    if alert is not None:
        headers["Link"] = f'</v1/alerts/{alert}>; rel="related"'
    return Response(body, status_code=status, headers=headers, media_type="application/json")
