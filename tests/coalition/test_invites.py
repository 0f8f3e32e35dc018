"""How organisers come in: one invite, one organiser, however choked the network."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest

from backend.coalition.commands import has_organisers, invite, render
from backend.coalition.service import CoalitionService
from backend.core.tokens import new_token
from backend.settings import Settings
from schemas.coalition import Role
from tests.support.clock import SetClock
from tests.support.http import bearer, slug
from tests.support.organisers import MakeOrganiser, OrganiserInHand
from tests.support.pools import PoolAs

CROWD = 200


async def redeem(
    client: httpx.AsyncClient, token: str, access: str, **more: object
) -> httpx.Response:
    return await client.post(
        "/v1/invites/redeem", json={"invite": token, **more}, headers=bearer(access)
    )


async def organisers(owner: asyncpg.Connection) -> int:
    return len(await owner.fetch("select distinct organiser from access_token"))


@pytest.fixture
async def admin(organiser: MakeOrganiser, clock: SetClock) -> OrganiserInHand:
    return await organiser("admin")


@pytest.fixture
async def open_invite(settings: Settings, clock: SetClock) -> str:
    return (await invite(settings, Role.ORGANISER, clock=clock)).token


async def test_the_first_organiser_comes_in_by_the_operators_link(
    client: httpx.AsyncClient, settings: Settings, clock: SetClock
) -> None:
    assert not await has_organisers(settings)
    link = await invite(settings, clock=clock)
    assert link.link == f"{settings.origin}/#invite={link.token}"
    assert link.link in render(link)
    answer = await redeem(client, link.token, new_token())
    assert answer.status_code == 201
    body = answer.json()
    assert body["role"] == "admin"
    assert "invites:write" in body["scopes"]
    assert body["handle"].count("-") == 2
    assert await has_organisers(settings)


async def test_a_request_repeated_on_a_choked_network_gives_the_same_organiser(
    client: httpx.AsyncClient, open_invite: str, clock: SetClock
) -> None:
    access = new_token()
    first = await redeem(client, open_invite, access, handle="  quiet door ")
    assert first.status_code == 201
    assert first.json()["handle"] == "quiet door"
    clock.forward(hours=30)
    again = await redeem(client, open_invite, access)
    assert again.status_code == 200
    assert again.json() == first.json()


async def test_bad_input_29_an_invite_lets_one_organiser_in(
    client: httpx.AsyncClient, open_invite: str
) -> None:
    assert (await redeem(client, open_invite, new_token())).status_code == 201
    answer = await redeem(client, open_invite, new_token())
    assert (answer.status_code, slug(answer)) == (409, "invite-used")


async def test_bad_input_30_of_a_crowd_at_one_invite_one_comes_in(
    client: httpx.AsyncClient, open_invite: str, owner: asyncpg.Connection
) -> None:
    before = await organisers(owner)
    tokens = [new_token() for _ in range(CROWD)]
    answers = await asyncio.gather(*(redeem(client, open_invite, token) for token in tokens))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201, *[409] * (CROWD - 1)]
    assert await organisers(owner) == before + 1
    winner = tokens[statuses.index(201)]
    assert (await client.get("/v1/access-tokens", headers=bearer(winner))).status_code == 200
    for loser in set(tokens) - {winner}:
        answer = await client.get("/v1/access-tokens", headers=bearer(loser))
        assert answer.status_code == 401


async def test_a_crowd_of_repeats_of_one_request_is_one_organiser(
    client: httpx.AsyncClient, open_invite: str
) -> None:
    access = new_token()
    answers = await asyncio.gather(*(redeem(client, open_invite, access) for _ in range(CROWD)))
    assert sorted(answer.status_code for answer in answers) == [*[200] * (CROWD - 1), 201]
    assert len({answer.json()["organiser"] for answer in answers}) == 1


async def test_an_invite_that_has_expired_says_so(
    client: httpx.AsyncClient, open_invite: str, clock: SetClock
) -> None:
    clock.forward(hours=24)
    answer = await redeem(client, open_invite, new_token())
    assert (answer.status_code, slug(answer)) == (410, "invite-expired")


async def test_an_unknown_invite_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await redeem(client, new_token(), new_token())
    assert (answer.status_code, slug(answer)) == (404, "not-found")


async def test_the_invites_own_token_is_no_access_token(
    client: httpx.AsyncClient, open_invite: str
) -> None:
    answer = await redeem(client, open_invite, open_invite)
    assert (answer.status_code, slug(answer)) == (422, "token-not-fresh")
    assert (await redeem(client, open_invite, new_token())).status_code == 201


async def test_an_organisers_token_cannot_become_another_organiser(
    client: httpx.AsyncClient, open_invite: str, admin: OrganiserInHand
) -> None:
    answer = await redeem(client, open_invite, admin.token)
    assert (answer.status_code, slug(answer)) == (409, "token-taken")
    assert (await redeem(client, open_invite, new_token())).status_code == 201


@pytest.mark.parametrize(
    "handle", ["zq", " zq ", "zq" * 21, "me@example.org", "call 010-1234-5678", "a\u202eb\u202cc"]
)
async def test_a_handle_is_no_address_and_no_number(
    client: httpx.AsyncClient, open_invite: str, handle: str
) -> None:
    answer = await redeem(client, open_invite, new_token(), handle=handle)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert handle.strip() not in answer.text


async def test_a_redeemer_cannot_send_who_she_is(
    client: httpx.AsyncClient, open_invite: str
) -> None:
    answer = await redeem(client, open_invite, new_token(), email="me@example.org")
    assert answer.status_code == 400
    assert "email" not in answer.text


async def test_without_a_token_nobody_comes_in(client: httpx.AsyncClient, open_invite: str) -> None:
    answer = await client.post("/v1/invites/redeem", json={"invite": open_invite})
    assert (answer.status_code, slug(answer)) == (401, "token-missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_admin_invites_a_marshal_lead(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    token, path = new_token(), f"/v1/invites/{uuid4()}"
    request = {"token": token, "role": "marshal-lead", "expiresInHours": 2}
    made = await client.put(path, json=request, headers=admin.headers)
    assert made.status_code == 201
    assert made.json()["state"] == "open"
    assert made.json()["expiresAt"] == "2024-09-02T05:00:00Z"
    again = await client.put(path, json=request, headers=admin.headers)
    assert (again.status_code, again.json()) == (200, made.json())
    joined = await redeem(client, token, new_token())
    assert joined.json()["role"] == "marshal-lead"
    assert joined.json()["scopes"] == ["alerts:approve", "alerts:compose", "progress:read"]
    listed = await client.get("/v1/invites", headers=admin.headers)
    states = {each["id"]: each["state"] for each in listed.json()["items"]}
    assert states[made.json()["id"]] == "used"
    assert token not in listed.text


async def test_two_invites_never_share_an_id_or_a_token(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    token, path = new_token(), f"/v1/invites/{uuid4()}"
    request = {"token": token, "role": "organiser"}
    assert (await client.put(path, json=request, headers=admin.headers)).status_code == 201
    for other_path, other in [
        (path, {"token": new_token(), "role": "organiser"}),
        (path, {"token": token, "role": "admin"}),
        (f"/v1/invites/{uuid4()}", request),
    ]:
        answer = await client.put(other_path, json=other, headers=admin.headers)
        assert (answer.status_code, slug(answer)) == (409, "invite-taken")


async def test_a_revoked_invite_lets_nobody_in(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    token, path = new_token(), f"/v1/invites/{uuid4()}"
    await client.put(path, json={"token": token, "role": "organiser"}, headers=admin.headers)
    for _ in range(2):
        assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await redeem(client, token, new_token())).status_code == 404


@pytest.mark.parametrize("role", ["organiser", "marshal-lead"])
async def test_only_admins_invite(
    client: httpx.AsyncClient, organiser: MakeOrganiser, clock: SetClock, role: str
) -> None:
    someone = await organiser(role)
    request = {"token": new_token(), "role": "marshal-lead"}
    path = f"/v1/invites/{uuid4()}"
    for answer in (
        await client.put(path, json=request, headers=someone.headers),
        await client.get("/v1/invites", headers=someone.headers),
        await client.delete(path, headers=someone.headers),
    ):
        assert (answer.status_code, slug(answer)) == (403, "not-allowed")


async def test_a_script_that_only_invites_cannot_make_an_admin(
    client: httpx.AsyncClient, admin: OrganiserInHand
) -> None:
    script = new_token()
    request = {"token": script, "scopes": ["invites:write"], "expiresOn": "2024-09-30"}
    path = f"/v1/access-tokens/{uuid4()}"
    assert (await client.put(path, json=request, headers=admin.headers)).status_code == 201
    answer = await client.put(
        f"/v1/invites/{uuid4()}",
        json={"token": new_token(), "role": "admin"},
        headers=bearer(script),
    )
    assert (answer.status_code, slug(answer)) == (403, "role-beyond-own")


async def test_what_is_over_is_forgotten_a_day_later(
    client: httpx.AsyncClient,
    settings: Settings,
    clock: SetClock,
    pool_as: PoolAs,
    owner: asyncpg.Connection,
) -> None:
    link = await invite(settings, hours=1, clock=clock)
    worker = CoalitionService(await pool_as("exit10_worker"), clock, settings)
    clock.forward(hours=24)
    await worker.forget_expired()
    assert (await redeem(client, link.token, new_token())).status_code == 410
    clock.forward(hours=2)
    assert await worker.forget_expired() >= 1
    assert (await redeem(client, link.token, new_token())).status_code == 404
    assert await organisers(owner) > 0


async def test_postgres_holds_no_token_of_an_organiser(
    admin: OrganiserInHand, open_invite: str, owner: asyncpg.Connection
) -> None:
    rows = [
        *await owner.fetch("select organiser::text from organiser"),
        *await owner.fetch("select access_token::text from access_token"),
        *await owner.fetch("select invite::text from invite"),
    ]
    everything = "\n".join(row[0] for row in rows)
    assert admin.handle in everything
    assert admin.token not in everything
    assert open_invite not in everything
