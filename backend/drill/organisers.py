"""The organisers of a rehearsal: what they do on their own devices, through the public API."""

from uuid import UUID, uuid4

import msgspec

from backend.drill.api_client import Api
from backend.drill.phones import new_token
from schemas.alerts import Alert, AlertRequest, Preview, Progress
from schemas.changes import Proposal
from schemas.coalition import Invite, InviteRedemption, InviteRequest, Membership, Role
from schemas.events import Occurrence, OccurrencePage, Series, SeriesPlan

_WAITS = 202


class Organiser:
    """One organiser with her access token, made on her device."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._token = new_token()

    async def redeem(self, invite: str) -> Membership:
        """Come in with an invite's token."""
        return await self._api.post(
            "/v1/invites/redeem", InviteRedemption(invite=invite), Membership, token=self._token
        )

    async def invite(self, role: Role) -> str:
        """Make an invite for somebody else; returns its token."""
        token = new_token()
        request = InviteRequest(token=token, role=role, expires_in_hours=1)
        await self._api.put(f"/v1/invites/{uuid4()}", request, Invite, token=self._token)
        return token

    async def schedule(self, series: UUID, plan: SeriesPlan) -> Series:
        """Put a series on the calendar, or change it."""
        path = f"/v1/series/{series}"
        etag = await self._api.etag(path)
        return await self._api.put(path, plan, Series, token=self._token, if_match=etag)

    async def end(self, series: UUID, plan: SeriesPlan, other: "Organiser") -> None:
        """End a series; another organiser agrees when gatherings are still ahead (P10)."""
        path = f"/v1/series/{series}"
        etag = await self._api.etag(path)
        answer = await self._api.send("PUT", path, plan, token=self._token, if_match=etag)
        if answer.status == _WAITS:
            proposal = msgspec.json.decode(await answer.bytes(), type=Proposal)
            await other.agree(proposal.id)

    async def agree(self, proposal: UUID) -> Proposal:
        """Stand behind a change that takes gatherings away."""
        path = f"/v1/proposals/{proposal}/approval"
        return await self._api.put(path, None, Proposal, token=self._token)

    async def next_occurrence(self, series: UUID) -> Occurrence | None:
        """The first gathering of a series that is still to come."""
        page = await self._api.get(f"/v1/occurrences?series={series}", OccurrencePage)
        return page.items[0] if page.items else None

    async def compose(self, alert: UUID, request: AlertRequest) -> Alert:
        """Write an alert in all its languages."""
        return await self._api.put(f"/v1/alerts/{alert}", request, Alert, token=self._token)

    async def preview(self, alert: UUID) -> Preview:
        """See an alert as phones would show it."""
        return await self._api.get(f"/v1/alerts/{alert}/preview", Preview, token=self._token)

    async def approve(self, alert: UUID) -> Alert:
        """Stand behind an alert."""
        return await self._api.put(f"/v1/alerts/{alert}/approval", None, Alert, token=self._token)

    async def progress(self, alert: UUID) -> Progress:
        """See how far an alert has come."""
        return await self._api.get(f"/v1/alerts/{alert}/progress", Progress, token=self._token)
