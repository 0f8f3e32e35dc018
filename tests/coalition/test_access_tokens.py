"""Tokens for scripts: no more than one's own, no longer than a year, gone when revoked."""

from datetime import date
from uuid import uuid4

import asyncpg
import httpx
import pytest

from backend.core.tokens import new_token
from tests.support.clock import SetClock
from tests.support.http import bearer, slug
from tests.support.organisers import MakeOrganiser, OrganiserInHand


def asked(token: str, *scopes: str, expires_on: str = "2024-09-30") -> dict[str, object]:
    return {"token": token, "scopes": scopes, "expiresOn": expires_on}


def somewhere() -> str:
    return f"/v1/access-tokens/{uuid4()}"


@pytest.fixture
async def admin(organiser: MakeOrganiser, clock: SetClock) -> OrganiserInHand:
    return await organiser("admin")


async def test_a_script_gets_a_token_of_its_own(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    token, path = new_token(), somewhere()
    request = asked(token, "tokens:write", "progress:read", "tokens:write")
    made = await client.put(path, json=request, headers=admin.headers)
    assert made.status_code == 201
    assert made.json() == {
        "id": path.rpartition("/")[2],
        "scopes": ["progress:read", "tokens:write"],
        "expiresOn": "2024-09-30",
        "lastUsedOn": None,
        "current": False,
    }
    again = await client.put(path, json=request, headers=admin.headers)
    assert (again.status_code, again.json()) == (200, made.json())
    listed = await client.get("/v1/access-tokens", headers=bearer(token))
    assert [each["current"] for each in listed.json()["items"]] == [True, False]
    assert token not in listed.text


async def test_a_repeated_request_is_the_same_even_after_the_token_was_used(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    token, path = new_token(), somewhere()
    request = asked(token, "tokens:write")
    await client.put(path, json=request, headers=admin.headers)
    assert (await client.get("/v1/access-tokens", headers=bearer(token))).status_code == 200
    again = await client.put(path, json=request, headers=admin.headers)
    assert (again.status_code, again.json()["lastUsedOn"]) == (200, "2024-09-02")


async def test_nobody_gives_a_token_more_than_her_own_has(
    client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock
) -> None:
    someone = await organiser("organiser")
    answer = await client.put(
        somewhere(), json=asked(new_token(), "invites:write"), headers=someone.headers
    )
    assert (answer.status_code, slug(answer)) == (403, "scope-beyond-own")


async def test_a_script_cannot_give_its_own_script_what_only_its_organiser_has(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    script = new_token()
    await client.put(somewhere(), json=asked(script, "tokens:write"), headers=admin.headers)
    answer = await client.put(
        somewhere(), json=asked(new_token(), "alerts:approve"), headers=bearer(script)
    )
    assert (answer.status_code, slug(answer)) == (403, "scope-beyond-own")


@pytest.mark.parametrize("expires_on", ["2024-09-01", "2025-09-03"])
async def test_a_token_expires_within_a_year(
    client: httpx.AsyncClient, admin: OrganiserInHand, expires_on: str
) -> None:
    request = asked(new_token(), "tokens:write", expires_on=expires_on)
    answer = await client.put(somewhere(), json=request, headers=admin.headers)
    assert (answer.status_code, slug(answer)) == (422, "expiry-unacceptable")


@pytest.mark.parametrize("expires_on", ["2024-09-02", "2025-09-02"])
async def test_a_token_works_through_its_last_day(
    client: httpx.AsyncClient, admin: OrganiserInHand, clock: SetClock, expires_on: str
) -> None:
    token = new_token()
    request = asked(token, "tokens:write", expires_on=expires_on)
    answer = await client.put(somewhere(), json=request, headers=admin.headers)
    assert answer.status_code == 201
    clock.forward(days=(date.fromisoformat(expires_on) - date(2024, 9, 2)).days)
    assert (await client.get("/v1/access-tokens", headers=bearer(token))).status_code == 200
    clock.forward(days=1)
    answer = await client.get("/v1/access-tokens", headers=bearer(token))
    assert (answer.status_code, slug(answer)) == (401, "token-missing")


async def test_a_token_in_use_belongs_to_one_organiser(
    client: httpx.AsyncClient, admin: OrganiserInHand, organiser: MakeOrganiser
) -> None:
    other = await organiser("admin")
    path, token = somewhere(), new_token()
    await client.put(path, json=asked(token, "tokens:write"), headers=admin.headers)
    for other_path, request, headers in [
        (path, asked(token, "tokens:write"), other.headers),
        (path, asked(new_token(), "tokens:write"), admin.headers),
        (path, asked(token, "tokens:write", "alerts:approve"), admin.headers),
        (path, asked(token, "tokens:write", expires_on="2024-10-01"), admin.headers),
        (somewhere(), asked(token, "tokens:write"), admin.headers),
        (somewhere(), asked(admin.token, "tokens:write"), other.headers),
    ]:
        answer = await client.put(other_path, json=request, headers=headers)
        assert (answer.status_code, slug(answer)) == (409, "token-taken")


async def test_a_revoked_token_works_no_more(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    path, token = somewhere(), new_token()
    await client.put(path, json=asked(token, "tokens:write"), headers=admin.headers)
    for _ in range(2):
        assert (await client.delete(path, headers=admin.headers)).status_code == 204
    answer = await client.get("/v1/access-tokens", headers=bearer(token))
    assert (answer.status_code, slug(answer)) == (401, "token-missing")


async def test_nobody_revokes_or_sees_what_is_anothers(
    client: httpx.AsyncClient, admin: OrganiserInHand, organiser: MakeOrganiser
) -> None:
    other = await organiser("admin")
    path, token = somewhere(), new_token()
    await client.put(path, json=asked(token, "tokens:write"), headers=admin.headers)
    assert (await client.delete(path, headers=other.headers)).status_code == 204
    assert (await client.get("/v1/access-tokens", headers=bearer(token))).status_code == 200
    listed = await client.get("/v1/access-tokens", headers=other.headers)
    assert len(listed.json()["items"]) == 1


async def test_an_organiser_who_left_is_let_in_nowhere(
    client: httpx.AsyncClient, admin: OrganiserInHand, owner: asyncpg.Connection
) -> None:
    assert (await client.get("/v1/access-tokens", headers=admin.headers)).status_code == 200
    await owner.execute("update organiser set left_on = '2024-09-02' where id = $1", admin.id)
    answer = await client.get("/v1/access-tokens", headers=admin.headers)
    assert (answer.status_code, slug(answer)) == (401, "token-missing")


async def test_a_token_loses_what_its_organisers_role_lost(
    client: httpx.AsyncClient, admin: OrganiserInHand, owner: asyncpg.Connection
) -> None:
    await owner.execute("update organiser set role = 'organiser' where id = $1", admin.id)
    assert (await client.get("/v1/access-tokens", headers=admin.headers)).status_code == 200
    assert (await client.get("/v1/invites", headers=admin.headers)).status_code == 403


async def test_the_day_of_use_is_noted_once_a_day(
    client: httpx.AsyncClient,
    admin: OrganiserInHand,
    clock: SetClock,
    owner: asyncpg.Connection,
) -> None:
    async def noted() -> tuple[date, str]:
        row = await owner.fetchrow(
            "select last_used_on, xmin::text from access_token where organiser = $1", admin.id
        )
        assert row is not None
        return row[0], row[1]

    await client.get("/v1/access-tokens", headers=admin.headers)
    first = await noted()
    assert first[0] == date(2024, 9, 2)
    clock.forward(hours=3)
    await client.get("/v1/access-tokens", headers=admin.headers)
    assert await noted() == first
    clock.forward(hours=24)
    await client.get("/v1/access-tokens", headers=admin.headers)
    assert (await noted())[0] == date(2024, 9, 3)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x",
        f"Basic {'A' * 43}",
        f"Bearer {'A' * 42}",
        f"Bearer {'A' * 44}",
        f"Bearer {'=' * 43}",
        f"Bearer {'é' * 43}",
    ],
)
async def test_a_malformed_token_opens_nothing(
    client: httpx.AsyncClient, authorization: str
) -> None:
    headers = httpx.Headers({b"Authorization": authorization.encode("latin-1")})
    answer = await client.get("/v1/access-tokens", headers=headers)
    assert (answer.status_code, slug(answer)) == (401, "token-missing")


async def test_bad_input_34_a_token_in_the_address_opens_nothing(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    answer = await client.get("/v1/access-tokens", params={"access_token": admin.token})
    assert answer.status_code == 401
    assert admin.token not in answer.text
