"""Composes the worker: the process that opens boxes, sends alerts, and keeps time.

Any number of workers run side by side. On SIGTERM a worker finishes its batch and goes.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import start_http_server

from backend.alerts.dispatch_service import DispatchService
from backend.alerts.endpoints import EndpointPolicy
from backend.alerts.fanout import Fanout
from backend.alerts.jobs import AlertJobs
from backend.alerts.transport import HttpsTransport
from backend.alerts.webpush import Signer, prove, public_point
from backend.coalition.service import CoalitionService
from backend.core import logs
from backend.core.clock import Clock, system_clock
from backend.core.database import open_pool
from backend.core.keyring import Keyring
from backend.core.live import Live
from backend.core.logs import log
from backend.core.redis import open_redis
from backend.events.jobs import forget_proposals, materialise_all
from backend.events.proposal_service import ProposalService
from backend.events.service import EventService
from backend.notices.service import NoticeService
from backend.places.service import PlaceService
from backend.retention.service import RetentionService
from backend.settings import Settings, SettingsError

REMIND_EVERY_SECONDS = 15.0
MATERIALISE_EVERY_SECONDS = 600.0
NOTICES_EVERY_SECONDS = 60.0
KEEP_EVERY_SECONDS = 600.0
POOL_SIZE = 6
COLLECT_AFTER = (20_000, 20, 50)
"""Allocations between garbage collections: sending makes thousands a second and hardly a cycle."""


async def run(settings: Settings, clock: Clock = system_clock) -> None:
    """Work until SIGTERM or SIGINT.

    Raises:
        SettingsError, KeyringError: the keyring is missing or belongs to another database.
        EncryptionError: what is encrypted here could not be read by phones.
        OSError, asyncpg.PostgresError: Postgres does not answer.
    """
    logs.configure(settings.log_level, "worker")
    if settings.keyring is None:
        raise SettingsError("EXIT10_KEYRING is not set: the worker needs the folder of its keys.")
    keyring = Keyring(settings.keyring)
    signing_key = keyring.vapid_key()
    prove()
    pool = await open_pool(settings, "exit10_worker", POOL_SIZE)
    redis = open_redis(settings)
    live = Live(redis)
    retention = RetentionService(pool, keyring, clock)
    await retention.publish_vapid_key(public_point(signing_key))  # a strange keyring ends here
    await retention.ensure_epochs()

    policy = EndpointPolicy(settings.push_hosts, settings.rehearsal_push_origin)
    transport = HttpsTransport(policy, clock, _rehearsal_ca(settings.rehearsal_push_ca))
    signer = Signer(signing_key, settings.contact)
    fanout = Fanout(pool, clock, keyring, live, policy, transport, signer, settings.origin)
    events = EventService(pool, clock, PlaceService())
    notices = NoticeService(pool, clock, events)
    coalition = CoalitionService(pool, clock, settings)
    proposals = ProposalService(pool, clock, coalition)
    dispatch = DispatchService(pool, clock, events, coalition, live, fanout)
    alerts = AlertJobs(dispatch, live)
    if settings.metrics_bind is not None:
        start_http_server(settings.metrics_bind[1], settings.metrics_bind[0])
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, alerts.stop)

    beside = [
        asyncio.create_task(live.listen()),
        asyncio.create_task(_every("remind", REMIND_EVERY_SECONDS, dispatch.remind)),
        asyncio.create_task(
            _every("materialise", MATERIALISE_EVERY_SECONDS, lambda: materialise_all(events))
        ),
        asyncio.create_task(_every("notices", NOTICES_EVERY_SECONDS, notices.remind)),
        asyncio.create_task(_every("epochs", KEEP_EVERY_SECONDS, retention.ensure_epochs)),
        asyncio.create_task(_every("expire", KEEP_EVERY_SECONDS, retention.expire)),
        asyncio.create_task(_every("forget", KEEP_EVERY_SECONDS, dispatch.forget_authors)),
        asyncio.create_task(
            _every("proposals", KEEP_EVERY_SECONDS, lambda: forget_proposals(proposals))
        ),
        asyncio.create_task(_every("invites", KEEP_EVERY_SECONDS, coalition.forget_expired)),
    ]
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    log.info("worker-ready")
    try:
        await alerts.run()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await transport.close()
        await redis.aclose()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), 5.0)


async def _every(job: str, seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Do `step` now and then again and again; a failure is logged and tried again."""
    while True:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            log.error(
                "job-failed",
                job=job,
                error=type(error).__name__,
                sqlstate=getattr(error, "sqlstate", None),
            )
        await asyncio.sleep(seconds)


def _rehearsal_ca(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError:
        raise SettingsError("EXIT10_REHEARSAL_PUSH_CA cannot be read.") from None
