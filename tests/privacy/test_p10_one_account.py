"""P10: whoever takes over one account sends no crowd running, whatever she tries with it."""

from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from backend.app import create_app
from backend.core.tokens import new_token
from backend.settings import Settings
from schemas.alerts import AlertKind
from schemas.coalition import Role
from tests.events.gatherings import FRIDAY_PLAN, put
from tests.support.clock import SetClock
from tests.support.http import slug
from tests.support.lifespans import held
from tests.support.organisers import MakeOrganiser, OrganiserInHand, redeemed_organiser
from tests.support.rally import TEXTS

RELEASED = {"approved", "sending", "sent"}
ACTS = ("compose", "rewrite", "approve", "approve by another token", "approve again later", "look")
each_kind = pytest.mark.parametrize("kind", [kind.value for kind in AlertKind])


class Account:
    """One organiser's account in the hands of somebody else, with a second token of its own."""

    def __init__(
        self, client: httpx.AsyncClient, her: OrganiserInHand, occurrence: str, kind: str
    ) -> None:
        self.alert = uuid4()
        self._client = client
        self._her = her
        self._occurrence = occurrence
        self._kind = kind
        self._texts = TEXTS

    async def does(self, act: str) -> None:
        """Try one thing."""
        match act:
            case "compose":
                await self._put("", json=self._draft())
            case "rewrite":
                self._texts = {"ko": {"title": "지금 떠나세요", "body": new_token()}}
                await self._put("", json=self._draft())
            case "approve by another token":
                await self._put("/approval", token=await self._another_token())
            case "look":
                await self._client.get(f"/v1/alerts/{self.alert}", headers=self._her.headers)
            case _:
                await self._put("/approval")

    async def state(self) -> str:
        """Where the alert stands."""
        answer = await self._client.get(f"/v1/alerts/{self.alert}", headers=self._her.headers)
        return str(answer.json().get("state"))

    def _draft(self) -> dict[str, Any]:
        return {"occurrence": self._occurrence, "kind": self._kind, "texts": self._texts}

    async def _put(self, below: str, token: str | None = None, **content: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else self._her.headers
        await self._client.put(f"/v1/alerts/{self.alert}{below}", headers=headers, **content)

    async def _another_token(self) -> str:
        token = new_token()
        scopes = ["alerts:approve", "alerts:compose"]
        made = await self._client.put(
            f"/v1/access-tokens/{uuid4()}",
            json={"token": token, "scopes": scopes, "expiresOn": "2024-12-01"},
            headers=self._her.headers,
        )
        assert made.status_code == 201, made.text
        return token


@pytest.fixture(scope="module")
async def taken(organiser: MakeOrganiser) -> OrganiserInHand:
    """The account that was taken over. Others are there and sleep."""
    await organiser("admin")
    await organiser("organiser")
    return await organiser("admin")


@pytest.fixture(scope="module")
async def occurrence(client: httpx.AsyncClient, taken: OrganiserInHand) -> str:
    """Next Friday."""
    series = UUID(int=10)
    assert (await put(client, taken.headers, FRIDAY_PLAN, series)).status_code == 201
    listed = await client.get("/v1/occurrences", params={"series": str(series)})
    return str(listed.json()["items"][0]["id"])


@each_kind
@tries(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=8))
async def test_one_account_alone_releases_no_alert(
    kind: str,
    acts: list[str],
    client: httpx.AsyncClient,
    taken: OrganiserInHand,
    occurrence: str,
) -> None:
    account = Account(client, taken, occurrence, kind)
    for act in ["compose", *acts, "approve", "approve by another token"]:
        await account.does(act)
        assert await account.state() not in RELEASED, act
    assert await account.state() == "draft"


@each_kind
async def test_a_second_organiser_releases_it(
    client: httpx.AsyncClient,
    taken: OrganiserInHand,
    organiser: MakeOrganiser,
    occurrence: str,
    kind: str,
) -> None:
    account = Account(client, taken, occurrence, kind)
    await account.does("compose")
    second = await organiser("organiser")
    await client.put(f"/v1/alerts/{account.alert}/approval", headers=second.headers)
    assert await account.state() in RELEASED


@each_kind
async def test_what_is_rewritten_after_an_approval_needs_another(
    client: httpx.AsyncClient, taken: OrganiserInHand, occurrence: str, kind: str
) -> None:
    account = Account(client, taken, occurrence, kind)
    await account.does("compose")
    answer = await client.get(f"/v1/alerts/{account.alert}", headers=taken.headers)
    assert answer.json()["approvals"]["needed"] == 2
    assert "threshold-of-one" not in answer.json()["warnings"]
    await account.does("rewrite")
    await account.does("approve")
    assert await account.state() == "draft"


@pytest.mark.parametrize("role", ["organiser", "marshal-lead"])
async def test_an_ordinary_account_brings_in_no_accomplice(
    client: httpx.AsyncClient, organiser: MakeOrganiser, role: str
) -> None:
    her = await organiser(role)
    invited = await client.put(
        f"/v1/invites/{uuid4()}",
        json={"token": new_token(), "role": role},
        headers=her.headers,
    )
    assert invited.status_code == 403


async def test_an_accomplice_whom_an_administrator_brings_in_does_not_count_for_a_day(
    client: httpx.AsyncClient, taken: OrganiserInHand, occurrence: str, clock: SetClock
) -> None:
    account = Account(client, taken, occurrence, "leave-now")
    await account.does("compose")
    invite, accomplice = new_token(), {"Authorization": f"Bearer {new_token()}"}
    invited = await client.put(
        f"/v1/invites/{uuid4()}",
        json={"token": invite, "role": "organiser"},
        headers=taken.headers,
    )
    assert invited.status_code == 201
    came = await client.post("/v1/invites/redeem", json={"invite": invite}, headers=accomplice)
    assert came.status_code == 201
    for hours in (0, 23):
        clock.forward(hours=hours)
        approved = await client.put(f"/v1/alerts/{account.alert}/approval", headers=accomplice)
        assert slug(approved) == "too-new"
        assert await account.state() not in RELEASED
    clock.forward(hours=1)
    await client.put(f"/v1/alerts/{account.alert}/approval", headers=accomplice)
    assert await account.state() in RELEASED


@each_kind
async def test_with_a_threshold_of_one_it_can_and_is_warned(
    settings: Settings, module_clock: SetClock, clock: SetClock, occurrence: str, kind: str
) -> None:
    alone = msgspec.structs.replace(settings, approvals=dict.fromkeys(settings.approvals, 1))
    app = create_app(alone, module_clock)
    async with held(app.lifespan()):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.origin) as client:
            her = await redeemed_organiser(client, alone, module_clock, Role.ADMIN)
            account = Account(client, her, occurrence, kind)
            await account.does("compose")
            answer = await client.get(f"/v1/alerts/{account.alert}", headers=her.headers)
            assert "threshold-of-one" in answer.json()["warnings"]
            assert await account.state() == "draft"
            await account.does("approve")
            assert await account.state() in RELEASED
