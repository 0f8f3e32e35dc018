"""Composes the API: the only place that knows every room of the house."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import start_http_server
from redis.asyncio import Redis

from backend.alerts import routes as alert_routes
from backend.alerts.service import AlertService
from backend.alerts.subscription_service import SubscriptionService
from backend.coalition import routes as coalition_routes
from backend.coalition.service import CoalitionService
from backend.core import guards, headers, health, logs, openapi, problems
from backend.core.bodies import MAX_BODY_BYTES, StrictRequest
from backend.core.clock import Clock, system_clock
from backend.core.database import open_pool
from backend.core.live import Live
from backend.core.redis import open_redis
from backend.events import change_routes, feed_routes, proposal_routes
from backend.events import routes as event_routes
from backend.events.change_service import ChangeService
from backend.events.feed_service import FeedService
from backend.events.proposal_service import ProposalService
from backend.events.service import EventService
from backend.notices import routes as notice_routes
from backend.notices.service import NoticeService
from backend.places import routes as place_routes
from backend.places import venue_routes
from backend.places.lookup_service import LookupService
from backend.places.service import PlaceService
from backend.places.venue_service import VenueService
from backend.settings import Settings
from backend.web import routes as web_routes


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> Litestar:
    """The ASGI application.

    Raises:
        SettingsError: no settings were given and the environment's cannot be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    logs.configure(settings.log_level, "api")
    return Litestar(
        route_handlers=[
            *health.ROUTES,
            *openapi.ROUTES,
            *coalition_routes.ROUTES,
            *event_routes.ROUTES,
            *notice_routes.ROUTES,
            *change_routes.ROUTES,
            *proposal_routes.ROUTES,
            *feed_routes.ROUTES,
            *place_routes.ROUTES,
            *venue_routes.ROUTES,
            *alert_routes.ROUTES,
            *web_routes.ROUTES,
        ],
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        guards=[guards.enforce],
        exception_handlers=problems.HANDLERS,
        before_send=[headers.before_send],
        middleware=[_stopwatch],
        dependencies={
            "bearer": Provide(guards.provide_bearer),
            "organiser": Provide(guards.provide_organiser),
            **{name: Provide(_from_state(name)) for name in _SERVICES},
        },
        openapi_config=openapi.openapi_config(),
        plugins=[openapi.LocalTimes()],
        logging_config=None,
        lifespan=[lambda app: _running(app, settings, clock)],
    )


_SERVICES = (
    "coalition",
    "events",
    "changes",
    "proposals",
    "feeds",
    "notices",
    "places",
    "venues",
    "lookup",
    "subscriptions",
    "alerts",
    "live",
)


def _from_state(name: str) -> Any:
    async def provide(state: State) -> Any:
        return state[name]

    return provide


@asynccontextmanager
async def _running(app: Litestar, settings: Settings, clock: Clock) -> AsyncGenerator[None]:
    """Open what the services need, hand it to them, and close it in the end."""
    pool = await open_pool(settings, "exit10_api")
    redis: Redis = open_redis(settings)
    live = Live(redis)
    coalition = CoalitionService(pool, clock, settings)
    places = PlaceService()
    lookup = LookupService(settings, redis)
    events = EventService(pool, clock, places)
    alerts = AlertService(pool, clock, settings, events, coalition, live)
    app.state.update(
        {
            "pool": pool,
            "redis": redis,
            "live": live,
            "coalition": coalition,
            "authenticate": coalition.authenticate,
            "places": places,
            "venues": VenueService(pool, clock),
            "lookup": lookup,
            "events": events,
            "notices": NoticeService(pool, clock, events),
            "changes": ChangeService(pool, clock, places, coalition, alerts, live),
            "proposals": ProposalService(pool, clock, coalition),
            "feeds": FeedService(pool, clock, settings.origin, places, events, alerts),
            "subscriptions": SubscriptionService(pool, clock, settings, events),
            "alerts": alerts,
        }
    )
    if settings.metrics_bind is not None:
        start_http_server(settings.metrics_bind[1], settings.metrics_bind[0])
    listening = asyncio.create_task(live.listen())
    try:
        with _on_sigterm(live.close):
            yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await lookup.close()
        await redis.aclose()
        await pool.close()


@contextmanager
def _on_sigterm(close: Callable[[], None]) -> Generator[None]:
    """Close what never ends by itself, beside what the server does when it is told to go.

    The server lets answers under way end before it ends the lifespan.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)

    def going(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(close)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, going)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopwatch(app: ASGIApp) -> ASGIApp:
    async def started(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["started"] = time.perf_counter()
        await app(scope, receive, send)

    return started
