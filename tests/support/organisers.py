"""Organisers who come in as real ones do: through an invite, redeemed over the public API."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import msgspec

from backend.coalition.commands import invite
from backend.core.clock import Clock
from backend.core.tokens import new_token
from backend.settings import Settings
from schemas.coalition import Role


class OrganiserInHand(msgspec.Struct, frozen=True):
    """An organiser and the access token that only she holds."""

    id: UUID
    handle: str
    role: str
    scopes: frozenset[str]
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What her requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


MakeOrganiser = Callable[..., Awaitable[OrganiserInHand]]


async def redeemed_organiser(
    client: httpx.AsyncClient, settings: Settings, clock: Clock, role: Role
) -> OrganiserInHand:
    """Invite an organiser with `role` and redeem the invite in her place."""
    link = await invite(settings, role, clock=clock)
    token = new_token()
    answer = await client.post(
        "/v1/invites/redeem",
        json={"invite": link.token},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return OrganiserInHand(
        id=UUID(body["organiser"]),
        handle=body["handle"],
        role=body["role"],
        scopes=frozenset(body["scopes"]),
        token=token,
    )
