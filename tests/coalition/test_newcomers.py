"""One account cannot invite its own second and approve with that: newcomers wait a day."""

import uuid
from datetime import timedelta

import httpx
from hypothesis import given
from hypothesis import strategies as st

from backend.coalition.rules import NEWCOMER, trusted_from
from backend.coalition.service import CoalitionService
from backend.core.tokens import new_token
from backend.settings import Settings
from tests.support.clock import MONDAY_NOON_IN_SEOUL, SetClock
from tests.support.organisers import MakeOrganiser, OrganiserInHand
from tests.support.pools import PoolAs


async def invited_by(client: httpx.AsyncClient, inviter: OrganiserInHand) -> uuid.UUID:
    """Let an organiser invite somebody over the public API; gives whom."""
    invite, access = new_token(), new_token()
    made = await client.put(
        f"/v1/invites/{uuid.uuid4()}",
        json={"token": invite, "role": "admin", "expiresInHours": 24},
        headers=inviter.headers,
    )
    assert made.status_code == 201, made.text
    redeemed = await client.post(
        "/v1/invites/redeem",
        json={"invite": invite},
        headers={"Authorization": f"Bearer {access}"},
    )
    return uuid.UUID(redeemed.json()["organiser"])


async def test_whom_a_hijacked_account_invites_counts_a_day_later(
    client: httpx.AsyncClient,
    organiser: MakeOrganiser,
    pool_as: PoolAs,
    settings: Settings,
    clock: SetClock,
) -> None:
    hijacked, bystander = await organiser("admin"), await organiser("admin")
    accomplice = await invited_by(client, hijacked)
    pool = await pool_as("exit10_api")
    coalition = CoalitionService(pool, clock, settings)

    async def attempt(composer: uuid.UUID, approver: uuid.UUID) -> str:
        async with pool.acquire() as connection, connection.transaction():
            try:
                decided = await coalition.approve(
                    connection, uuid.uuid4(), "leave-now", approver, composer, needed=2
                )
            except Exception as error:  # noqa: BLE001 - the slug is looked at
                return str(getattr(error, "slug", error))
        return "granted" if decided.granted else "not granted"

    assert await attempt(hijacked.id, accomplice) == "too-new"
    assert await attempt(accomplice, hijacked.id) == "not granted"
    assert await attempt(hijacked.id, bystander.id) == "granted"
    clock.forward(hours=23)
    assert await attempt(hijacked.id, accomplice) == "too-new"
    clock.forward(hours=2)
    assert await attempt(hijacked.id, accomplice) == "granted"


@given(st.booleans(), st.integers(0, 5), st.integers(1, 5))
def test_only_the_operator_and_a_beginning_spare_the_day(
    by_operator: bool, organisers: int, needed: int
) -> None:
    instant = trusted_from(
        MONDAY_NOON_IN_SEOUL, by_operator=by_operator, organisers=organisers, needed=needed
    )
    at_once = by_operator or organisers < needed
    assert instant - MONDAY_NOON_IN_SEOUL == (timedelta() if at_once else NEWCOMER)
