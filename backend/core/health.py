"""Whether this process lives, and whether it can do its work."""

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from backend.core.guards import PUBLIC
from backend.core.problems import answers
from schemas.base import Wire

PATIENCE_SECONDS = 2.0


class Health(Wire, frozen=True):
    """How this process is."""

    status: Annotated[str, msgspec.Meta(examples=["ok"])]


class Readiness(Wire, frozen=True):
    """Whether the servers answer, and whether phones can subscribe (a worker made an epoch key)."""

    ready: Annotated[bool, msgspec.Meta(examples=[True])]
    postgres: bool
    redis: bool
    keys: bool


@get(
    "/health/live",
    operation_id="getHealthLive",
    summary="Is the process alive?",
    tags=["health"],
    opt=PUBLIC,
    responses=answers(),
)
async def live() -> Health:
    """Answers as long as the process runs. Looks at nothing."""
    return Health(status="ok")


@get(
    "/health/ready",
    operation_id="getHealthReady",
    summary="Can the process do its work?",
    tags=["health"],
    opt=PUBLIC,
    responses={
        503: ResponseSpec(Readiness, generate_examples=False, description="Something is away"),
        **answers(),
    },
)
async def ready(state: State) -> Response[Readiness]:
    """200 when Postgres answers and phones can subscribe. Without Redis it is still ready."""
    keys, redis = await asyncio.gather(
        _keys(state.pool), _answers(state.redis.ping()), return_exceptions=False
    )
    postgres = keys is not None
    readiness = Readiness(ready=bool(keys), postgres=postgres, redis=redis, keys=bool(keys))
    return Response(readiness, status_code=200 if readiness.ready else 503)


async def _keys(pool: Any) -> bool | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return bool(
                await pool.fetchval("select exists (table vapid_key) and exists (table epoch)")
            )
    except Exception:  # noqa: BLE001 - whatever it is, Postgres does not answer
        return None


async def _answers(call: Any) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await call
    except Exception:  # noqa: BLE001
        return False
    return True


ROUTES = [live, ready]
