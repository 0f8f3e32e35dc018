"""HTTP of subscriptions and alerts: parse, guard, call one service function, shape the answer."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from backend.alerts.service import AlertService
from backend.alerts.subscription_service import SubscriptionService
from backend.core.caching import NOT_MODIFIED, cacheable
from backend.core.guards import BEARER, PUBLIC, Organiser, scoped
from backend.core.languages import wanted_languages
from backend.core.live import Live
from backend.core.problems import answers
from schemas.alerts import Alert, AlertRequest, AlertState, Preview, Progress, PublicAlerts
from schemas.push import Subscription, SubscriptionRequest, VapidKey

LOOK_EVERY_SECONDS = 1.0
STILL_HERE_SECONDS = 15.0
STILL_HERE = ServerSentEventMessage(comment="still here", data=None)
TOKEN = [{"token": list[str]()}]
OVER = {AlertState.SENT, AlertState.CANCELLED, AlertState.EXPIRED}


@get(
    "/v1/push/vapid-key",
    operation_id="getVapidKey",
    summary="The key that signs every push",
    tags=["push"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(VapidKey, generate_examples=False, description="The public key"),
        304: NOT_MODIFIED,
        **answers(400, 503),
    },
)
async def get_vapid_key(
    request: Request[Any, Any, Any], subscriptions: NamedDependency[SubscriptionService]
) -> Response[bytes]:
    """The public key (RFC 8292) that a phone names as `applicationServerKey` when it subscribes."""
    key = VapidKey(public_key=await subscriptions.vapid_key())
    return cacheable(request, key, max_age=300)


@put(
    "/v1/push/subscription",
    operation_id="putSubscription",
    summary="Subscribe a phone to the alerts of a series",
    tags=["push"],
    opt=BEARER,
    security=TOKEN,
    responses=answers(400, 401, 404, 413, 415, 422, 503),
)
async def put_subscription(
    data: JSONBody[SubscriptionRequest],
    bearer: NamedDependency[bytes],
    subscriptions: NamedDependency[SubscriptionService],
) -> Subscription:
    """Subscribe under a token that the phone makes for this series alone, or renew or change it.

    Where the phone is reached is sealed at once; this server cannot read it back. Repeating the
    request is harmless and renews the subscription.
    """
    return await subscriptions.subscribe(bearer, data)


@get(
    "/v1/push/subscription",
    operation_id="getSubscription",
    summary="What is known of a phone's subscription",
    tags=["push"],
    opt=BEARER,
    security=TOKEN,
    responses=answers(401, 404, 503),
)
async def get_subscription(
    bearer: NamedDependency[bytes], subscriptions: NamedDependency[SubscriptionService]
) -> Subscription:
    """The subscription of the token: its series, language and audience, and when it ends."""
    return await subscriptions.find(bearer)


@delete(
    "/v1/push/subscription",
    operation_id="deleteSubscription",
    summary="End a phone's subscription",
    tags=["push"],
    opt=BEARER,
    security=TOKEN,
    status_code=204,
    responses=answers(401, 503),
)
async def delete_subscription(
    bearer: NamedDependency[bytes], subscriptions: NamedDependency[SubscriptionService]
) -> None:
    """Forget the subscription of the token. Answers the same when there is none."""
    await subscriptions.unsubscribe(bearer)


@put(
    "/v1/alerts/{alert_id:uuid}",
    operation_id="putAlert",
    summary="Compose an alert",
    tags=["alerts"],
    opt=scoped("alerts:compose"),
    security=TOKEN,
    responses={
        201: ResponseSpec(Alert, generate_examples=False, description="A new draft"),
        **answers(400, 401, 403, 404, 409, 413, 415, 503),
    },
)
async def put_alert(
    alert_id: FromPath[UUID],
    data: JSONBody[AlertRequest],
    organiser: NamedDependency[Organiser],
    alerts: NamedDependency[AlertService],
) -> Response[Alert]:
    """Write a draft under an id that the client makes, or change it while it is a draft.

    A changed draft loses its approvals.
    """
    alert, created = await alerts.compose(alert_id, data, organiser)
    return Response(alert, status_code=201 if created else 200)


@get(
    "/v1/alerts/{alert_id:uuid}",
    operation_id="getAlert",
    summary="An alert as organisers see it",
    tags=["alerts"],
    opt=scoped("progress:read"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 503),
)
async def get_alert(alert_id: FromPath[UUID], alerts: NamedDependency[AlertService]) -> Alert:
    """The alert with its state, its approvals and what to be warned of."""
    return await alerts.find(alert_id)


@get(
    "/v1/alerts/{alert_id:uuid}/preview",
    operation_id="getAlertPreview",
    summary="An alert before it goes out",
    tags=["alerts"],
    opt=scoped("progress:read"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 503),
)
async def get_alert_preview(
    alert_id: FromPath[UUID], alerts: NamedDependency[AlertService]
) -> Preview:
    """What phones of each language would show, whether it fits, and about how many they are."""
    return await alerts.preview(alert_id)


@put(
    "/v1/alerts/{alert_id:uuid}/approval",
    operation_id="putAlertApproval",
    summary="Stand behind an alert",
    tags=["alerts"],
    opt=scoped("alerts:approve"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 409, 422, 503),
)
async def put_alert_approval(
    alert_id: FromPath[UUID],
    organiser: NamedDependency[Organiser],
    alerts: NamedDependency[AlertService],
) -> Alert:
    """Approve as the organiser of the token. With enough behind it, the alert goes out."""
    return await alerts.approve(alert_id, organiser)


@put(
    "/v1/alerts/{alert_id:uuid}/cancellation",
    operation_id="putAlertCancellation",
    summary="Stop an alert",
    tags=["alerts"],
    opt=scoped("alerts:approve"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 409, 503),
)
async def put_alert_cancellation(
    alert_id: FromPath[UUID], alerts: NamedDependency[AlertService]
) -> Alert:
    """Stop a draft, or an alert that is going out. Phones that were reached keep what they show."""
    return await alerts.cancel(alert_id)


@get(
    "/v1/alerts/{alert_id:uuid}/progress",
    operation_id="getAlertProgress",
    summary="How far an alert has come",
    tags=["alerts"],
    opt=scoped("progress:read"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 503),
)
async def get_alert_progress(
    alert_id: FromPath[UUID], alerts: NamedDependency[AlertService]
) -> Progress:
    """Counts of phones: planned, delivered, gone, failed, waiting."""
    return await alerts.progress(alert_id)


@get(
    "/v1/alerts/{alert_id:uuid}/live",
    operation_id="streamAlertProgress",
    summary="How far an alert has come, as it happens",
    tags=["alerts"],
    opt=scoped("progress:read"),
    security=TOKEN,
    media_type="text/event-stream",
    responses=answers(400, 401, 403, 404, 503),
)
async def stream_alert_progress(
    alert_id: FromPath[UUID],
    alerts: NamedDependency[AlertService],
    live: NamedDependency[Live],
) -> ServerSentEvent:
    """Server-sent events: a `progress` event with the counts for each change, until it is over."""
    await alerts.progress(alert_id)
    return ServerSentEvent(_progress_events(alert_id, alerts, live))


async def _progress_events(
    alert_id: UUID, alerts: AlertService, live: Live
) -> AsyncIterator[ServerSentEventMessage]:
    last: Progress | None = None
    async with aclosing(live.changes(alert_id, LOOK_EVERY_SECONDS)) as changes:
        async for _ in changes:
            progress = await alerts.progress(alert_id)
            if progress != last:
                last = progress
                yield _event("progress", progress)
            else:
                yield STILL_HERE
            if progress.state in OVER:
                return


@get(
    "/v1/occurrences/{occurrence_id:uuid}/alerts",
    operation_id="listOccurrenceAlerts",
    summary="The alerts of an occurrence",
    tags=["alerts"],
    opt=PUBLIC,
    responses={
        200: ResponseSpec(PublicAlerts, generate_examples=False, description="Newest first"),
        304: NOT_MODIFIED,
        **answers(400, 404, 503),
    },
)
async def list_occurrence_alerts(
    request: Request[Any, Any, Any],
    occurrence_id: FromPath[UUID],
    alerts: NamedDependency[AlertService],
    lang: FromQuery[str | None] = None,
) -> Response[bytes]:
    """What went out, for phones without push. In the language of `lang` or Accept-Language."""
    wanted = wanted_languages(lang, request.headers.get("accept-language"))
    return cacheable(request, await alerts.public(occurrence_id, wanted), max_age=5)


@get(
    "/v1/occurrences/{occurrence_id:uuid}/live",
    operation_id="streamOccurrence",
    summary="The alerts of an occurrence, as they go out",
    tags=["alerts"],
    opt=PUBLIC,
    media_type="text/event-stream",
    responses=answers(400, 404, 503),
)
async def stream_occurrence(
    request: Request[Any, Any, Any],
    occurrence_id: FromPath[UUID],
    alerts: NamedDependency[AlertService],
    live: NamedDependency[Live],
    lang: FromQuery[str | None] = None,
) -> ServerSentEvent:
    """Server-sent events: an `alerts` event with the whole list at once and after each change."""
    wanted = wanted_languages(lang, request.headers.get("accept-language"))
    await alerts.public(occurrence_id, wanted)
    return ServerSentEvent(_alert_events(occurrence_id, wanted, alerts, live))


async def _alert_events(
    occurrence_id: UUID, wanted: tuple[str, ...], alerts: AlertService, live: Live
) -> AsyncIterator[ServerSentEventMessage]:
    last: PublicAlerts | None = None
    async with aclosing(live.changes(occurrence_id, STILL_HERE_SECONDS)) as changes:
        async for _ in changes:
            published = await alerts.public(occurrence_id, wanted)
            if published != last:
                last = published
                yield _event("alerts", published)
            else:
                yield STILL_HERE


def _event(name: str, content: msgspec.Struct) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=name, data=msgspec.json.encode(content).decode())


ROUTES = [
    get_vapid_key,
    put_subscription,
    get_subscription,
    delete_subscription,
    put_alert,
    get_alert,
    get_alert_preview,
    put_alert_approval,
    put_alert_cancellation,
    get_alert_progress,
    stream_alert_progress,
    list_occurrence_alerts,
    stream_occurrence,
]
