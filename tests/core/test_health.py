"""Whether the API says truly what it can do, while its servers come and go."""

import httpx

from backend.core.keyring import Keyring
from backend.embedded import EmbeddedSystem
from tests.support.http import slug


async def test_the_process_lives(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_without_a_workers_keys_phones_cannot_subscribe(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "postgres": True, "redis": True, "keys": False}


async def test_it_is_ready_once_a_worker_made_keys(
    client: httpx.AsyncClient, keyring: Keyring
) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "postgres": True, "redis": True, "keys": True}


async def test_without_redis_it_is_ready_all_the_same(
    client: httpx.AsyncClient, system: EmbeddedSystem
) -> None:
    system.valkey.stop()
    try:
        answer = await client.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["redis"] is False
    finally:
        system.valkey.start()
    assert (await client.get("/health/ready")).json()["redis"] is True


async def test_without_postgres_it_says_so_and_recovers_by_itself(
    client: httpx.AsyncClient, system: EmbeddedSystem
) -> None:
    system.postgres.stop()
    try:
        answer = await client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["postgres"] is False
        answer = await client.get("/v1/invites", headers={"Authorization": f"Bearer {'A' * 43}"})
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert (await client.get("/health/live")).status_code == 200
    finally:
        system.postgres.start()
    assert (await client.get("/health/ready")).status_code == 200
