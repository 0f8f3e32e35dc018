"""Changes that wait for organisers to agree, over HTTP. Everything here needs a token."""

from uuid import UUID

import msgspec
from litestar import Response, get, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from backend.core.guards import Organiser, scoped
from backend.core.problems import answers
from backend.events.change_service import ChangeService
from backend.events.proposal_service import ProposalService
from schemas.changes import Proposal, Proposals

TOKEN = [{"token": list[str]()}]


@get(
    "/v1/proposals",
    operation_id="listProposals",
    summary="Changes that wait for organisers to agree",
    tags=["events"],
    opt=scoped("alerts:approve"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Proposals, generate_examples=False, description="The oldest first"),
        **answers(401, 403, 503),
    },
)
async def list_proposals(proposals: NamedDependency[ProposalService]) -> Response[bytes]:
    """Every open proposal, with what hangs on it and who stands behind it in numbers."""
    return _answer(await proposals.list_open())


@get(
    "/v1/proposals/{proposal_id:uuid}",
    operation_id="getProposal",
    summary="A change that waits",
    tags=["events"],
    opt=scoped("alerts:approve"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Proposal, generate_examples=False, description="The proposal"),
        **answers(400, 401, 403, 404, 503),
    },
)
async def get_proposal(
    proposals: NamedDependency[ProposalService], proposal_id: FromPath[UUID]
) -> Response[bytes]:
    """A proposal in whatever state, until a day after it is decided."""
    return _answer(await proposals.find(proposal_id))


@put(
    "/v1/proposals/{proposal_id:uuid}/approval",
    operation_id="putProposalApproval",
    summary="Agree to a change",
    tags=["events"],
    opt=scoped("alerts:approve"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Proposal, generate_examples=False, description="The proposal"),
        **answers(400, 401, 403, 404, 409, 422, 503),
    },
)
async def put_proposal_approval(
    changes: NamedDependency[ChangeService],
    organiser: NamedDependency[Organiser],
    proposal_id: FromPath[UUID],
) -> Response[bytes]:
    """Agree as the organiser of the token. With enough, it is done and people are told."""
    return _answer(await changes.approve(proposal_id, organiser))


@put(
    "/v1/proposals/{proposal_id:uuid}/withdrawal",
    operation_id="putProposalWithdrawal",
    summary="Drop a proposal",
    tags=["events"],
    opt=scoped("series:write"),
    security=TOKEN,
    responses={
        200: ResponseSpec(Proposal, generate_examples=False, description="The proposal"),
        **answers(400, 401, 403, 404, 409, 503),
    },
)
async def put_proposal_withdrawal(
    proposals: NamedDependency[ProposalService], proposal_id: FromPath[UUID]
) -> Response[bytes]:
    """Nobody can agree to it any more. It may be proposed again."""
    return _answer(await proposals.withdraw(proposal_id))


ROUTES = [list_proposals, get_proposal, put_proposal_approval, put_proposal_withdrawal]


def _answer(content: msgspec.Struct) -> Response[bytes]:
    return Response(
        msgspec.json.encode(content),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
