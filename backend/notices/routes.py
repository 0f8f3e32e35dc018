"""Notices over HTTP: for organisers only, but for the rules, which are everybody's."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from backend.core.caching import NOT_MODIFIED, cacheable, entity_tag
from backend.core.guards import PUBLIC, scoped
from backend.core.languages import wanted_languages
from backend.core.problems import Problem, answers
from backend.notices.service import NoticeService, PreconditionFailed, PreconditionNeeded
from schemas.base import LANGUAGE_PATTERN
from schemas.notices import WEEK_PATTERN, Jurisdictions, Notice, NoticeRecord, NoticeWeek

MAX_AGE_SECONDS = 300
TOKEN = [{"token": list[str]()}]


@get(
    "/v1/jurisdictions",
    operation_id="listJurisdictions",
    summary="What the law wants, place by place",
    tags=["notices"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(Jurisdictions, generate_examples=False, description="All of them"),
        304: NOT_MODIFIED,
        **answers(400),
    },
)
async def list_jurisdictions(
    request: Request[Any, Any, Any], notices: NamedDependency[NoticeService]
) -> Response[bytes]:
    """Deadlines, offices, exemptions and duties as data, each with the article it comes from."""
    return cacheable(request, notices.jurisdictions(), max_age=MAX_AGE_SECONDS)


@get(
    "/v1/notices",
    operation_id="listNotices",
    summary="What to file this week",
    tags=["notices"],
    opt=scoped("progress:read"),
    security=TOKEN,
    responses=answers(400, 401, 403, 422, 503),
)
async def list_notices(
    notices: NamedDependency[NoticeService],
    week: Annotated[
        str | None,
        QueryParameter(
            pattern=WEEK_PATTERN,
            max_length=8,
            description="A week such as `2024-W36` (ISO 8601); the one that it is in Seoul if none",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        QueryParameter(
            pattern=LANGUAGE_PATTERN,
            max_length=11,
            description="RFC 5646 tag of the titles; Korean stands in for it",
        ),
    ] = None,
) -> NoticeWeek:
    """What organisers must do before the week is over, what they can do already, and for which
    gatherings. Several Fridays can be filed at once.
    """
    return await notices.week(week, wanted_languages(lang, None))


@get(
    "/v1/occurrences/{occurrence_id:uuid}/notice",
    operation_id="getNotice",
    summary="Where the notice of a gathering stands",
    tags=["notices"],
    opt=scoped("progress:read"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Notice, generate_examples=False, description="The notice"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def get_notice(
    notices: NamedDependency[NoticeService], occurrence_id: FromPath[UUID]
) -> Response[bytes]:
    """State, deadlines and what was noted. Its ETag is what a change needs."""
    return _answer(await notices.find(occurrence_id))


@put(
    "/v1/occurrences/{occurrence_id:uuid}/notice",
    operation_id="putNotice",
    summary="Note what was done about a notice",
    tags=["notices"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Notice, generate_examples=False, description="The notice as it is now"),
        **answers(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503),
    },
)
async def put_notice(
    notices: NamedDependency[NoticeService],
    occurrence_id: FromPath[UUID],
    data: JSONBody[NoticeRecord],
    if_match: Annotated[
        str | None,
        HeaderParameter(
            name="If-Match",
            description="Entity tag of the notice that the change is based on; `*` is any",
        ),
    ] = None,
) -> Response[bytes]:
    """Note that a notice was filed, corrected, banned, objected to or withdrawn, or is not needed.

    The whole record is sent each time. States follow each other as the law has it; `unfiled`
    takes back a mistake. The same request again answers 200 and changes nothing. Names, addresses
    and numbers of people are refused: they go to the police on paper, and never here.
    """
    try:
        return _answer(await notices.note(occurrence_id, data, _condition(if_match)))
    except PreconditionNeeded:
        raise Problem(428) from None
    except PreconditionFailed:
        raise Problem(412) from None


ROUTES = [list_jurisdictions, list_notices, get_notice, put_notice]


def _tag(notice: Notice) -> str:
    """The entity tag of what people decided: what was noted, and for when the gathering is called.

    What the clock and the worker add, such as reminders, is nobody's to overwrite, and is left out.
    """
    decided = (notice.starts_at, notice.called_off, notice.record, notice.version)
    return entity_tag(msgspec.json.encode(decided))


def _answer(notice: Notice) -> Response[bytes]:
    return Response(
        msgspec.json.encode(notice),
        headers={"ETag": _tag(notice), "Cache-Control": "no-store"},
        media_type="application/json",
    )


def _condition(if_match: str | None) -> Callable[[Notice], bool] | None:
    """Whether If-Match names a notice as it stands (RFC 9110 section 13.1.1)."""
    if if_match is None:
        return None
    tags = {tag.strip() for tag in if_match.split(",")}
    return lambda notice: "*" in tags or _tag(notice) in tags
