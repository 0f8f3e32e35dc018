"""The stage of the fan-out benchmark: real servers, a push service, sealed subscriptions.

Every contender reads the same rows and sends to the same push service.
"""

import os
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from backend.alerts.boxes import BoxContext, Destination, seal_destination
from backend.alerts.webpush import public_point
from backend.core.clock import system_clock
from backend.core.database import open_pool
from backend.core.keyring import Keyring
from backend.core.migrate import migrate
from backend.drill.phones import make_keys
from backend.drill.push_handle import PushServiceProcess
from backend.embedded import EmbeddedSystem
from backend.events.friday import FRIDAY, load
from backend.events.service import EventService
from backend.places.service import PlaceService
from backend.retention import rules
from backend.settings import Settings

POINT_BYTES = 65
AUTH_BYTES = 16
PACKED_BYTES = 32 + AUTH_BYTES + POINT_BYTES
SHARE = 2_000
TEXTS = {
    "ko": {
        "title": "집회 장소가 바뀌었습니다",
        "body": "11번 출구 앞에서 만나요. 지하로 들어가지 마세요.",
    },
    "en": {"title": "The place has changed", "body": "Meet at Exit 11. Do not go underground."},
}


class Stage(msgspec.Struct, frozen=True):
    """Everything a contender needs to know."""

    environment: dict[str, str]
    database_url: str
    redis_url: str
    push: PushServiceProcess
    series: UUID
    occurrence: UUID
    phones: int


@asynccontextmanager
async def stage(phones: int) -> AsyncGenerator[Stage]:
    """Set up servers, push service and `phones` sealed subscriptions; take all of it down again."""
    with TemporaryDirectory(prefix="exit10-bench-") as name, EmbeddedSystem.throwaway() as system:
        environment = os.environ | system.environment(keyring=True)
        database_url = environment["EXIT10_DATABASE_URL"]
        migrate(database_url)
        async with await PushServiceProcess.start(Path(name)) as push:
            keyring = Keyring(Path(environment["EXIT10_KEYRING"]))
            series, occurrence = await _rally(Settings.from_environment(environment))
            await _subscribe(database_url, keyring, series, push, phones)
            environment |= {
                "EXIT10_REHEARSAL_PUSH_ORIGIN": push.origin,
                "EXIT10_REHEARSAL_PUSH_CA": str(push.authority),
                "EXIT10_LOG_LEVEL": "error",
                "BENCHMARK_SERIES": str(series),
            }
            yield Stage(
                environment=environment,
                database_url=database_url,
                redis_url=environment["EXIT10_REDIS_URL"],
                push=push,
                series=series,
                occurrence=occurrence,
                phones=phones,
            )


async def _rally(settings: Settings) -> tuple[UUID, UUID]:
    """The Friday series and its next gathering."""
    await load(settings)
    pool = await open_pool(settings, "exit10_api")
    try:
        events = EventService(pool, system_clock, PlaceService())
        occurrences, _ = await events.list_occurrences(series=FRIDAY)
    finally:
        await pool.close()
    return FRIDAY, occurrences[0].id


async def _subscribe(
    database_url: str, keyring: Keyring, series: UUID, push: PushServiceProcess, phones: int
) -> None:
    """Publish the keys and write `phones` boxes, as the API would."""
    epoch = rules.epoch_at(datetime.now(UTC).date())
    public_key = keyring.make_epoch_key(epoch.id).public_key()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "insert into epoch values ($1, $2, $3, $4)",
            epoch.id,
            public_key.public_bytes_raw(),
            epoch.starts_on,
            epoch.ends_on,
        )
        await connection.execute(
            "insert into vapid_key (public_key) values ($1)", public_point(keyring.vapid_key())
        )
        with ProcessPoolExecutor() as processes:
            for start in range(0, phones, SHARE):
                count = min(SHARE, phones - start)
                endpoints = await push.subscribe(count)
                context = (epoch.id, series, public_key.public_bytes_raw())
                rows = processes.submit(_sealed, context, endpoints).result()
                await connection.copy_records_to_table(
                    "subscription",
                    records=rows,
                    columns=["id", "epoch", "series", "audience", "language", "box", "expires_on"],
                )
        await connection.execute("vacuum analyze subscription")
    finally:
        await connection.close()


def _sealed(context: tuple[int, UUID, bytes], endpoints: list[str]) -> list[tuple[object, ...]]:
    """Rows of subscriptions for fresh phones at `endpoints`."""
    epoch, series, public_key = context
    packed = make_keys(len(endpoints))
    rows: list[tuple[object, ...]] = []
    for number, endpoint in enumerate(endpoints):
        keys = packed[number * PACKED_BYTES : (number + 1) * PACKED_BYTES]
        language = "en" if number % 10 == 0 else "ko"
        row = BoxContext(uuid4(), epoch, series, "attendees", language)
        box = seal_destination(
            Destination(endpoint, keys[-POINT_BYTES:], keys[32 : 32 + AUTH_BYTES]),
            X25519PublicKey.from_public_bytes(public_key),
            row,
        )
        rows.append((row.id, epoch, series, row.audience, language, box, _far()))
    return rows


def _far() -> date:
    return datetime.now(UTC).date() + timedelta(days=30)
