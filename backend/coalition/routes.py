"""The coalition over HTTP: coming in with an invite, inviting others, tokens for scripts."""

from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from backend.coalition.service import CoalitionService
from backend.core.guards import BEARER, Organiser, scoped
from backend.core.problems import answers
from schemas.coalition import (
    AccessToken,
    AccessTokenRequest,
    AccessTokens,
    Invite,
    InviteRedemption,
    InviteRequest,
    Invites,
    Membership,
)

TAGS = ["coalition"]
TOKEN = [{"token": list[str]()}]


def _made(kind: type, first: str, again: str) -> dict[int, ResponseSpec]:
    return {
        201: ResponseSpec(kind, generate_examples=False, description=first),
        200: ResponseSpec(kind, generate_examples=False, description=again),
    }


@post(
    "/v1/invites/redeem",
    operation_id="redeemInvite",
    summary="Come in with an invite",
    tags=TAGS,
    opt=BEARER,
    security=TOKEN,
    responses={
        **_made(Membership, "You are an organiser now", "You were let in by this invite before"),
        **answers(400, 401, 404, 409, 410, 413, 415, 422, 503),
    },
)
async def redeem_invite(
    data: JSONBody[InviteRedemption],
    bearer: NamedDependency[bytes],
    coalition: NamedDependency[CoalitionService],
) -> Response[Membership]:
    """The bearer token, freshly made by the client, becomes the organiser's access token.

    It works for a year. An invite lets one organiser in; repeating the request with the same bearer
    token gives the same answer, with another one 409 `invite-used`.
    """
    membership, created = await coalition.redeem_invite(bearer, data)
    return Response(membership, status_code=201 if created else 200)


@get(
    "/v1/invites",
    operation_id="listInvites",
    summary="Invites",
    tags=TAGS,
    opt=scoped("invites:write"),
    security=TOKEN,
    responses=answers(401, 403, 503),
)
async def list_invites(coalition: NamedDependency[CoalitionService]) -> Invites:
    """Open, used and expired invites; each is forgotten a day after it expires."""
    return await coalition.invites()


@put(
    "/v1/invites/{invite_id:uuid}",
    operation_id="putInvite",
    summary="Invite somebody",
    tags=TAGS,
    opt=scoped("invites:write"),
    security=TOKEN,
    responses={
        **_made(Invite, "The invite is made", "It was made before"),
        **answers(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
)
async def put_invite(
    invite_id: FromPath[UUID],
    data: JSONBody[InviteRequest],
    organiser: NamedDependency[Organiser],
    coalition: NamedDependency[CoalitionService],
) -> Response[Invite]:
    """Hand the token on in a link's fragment or as a QR code: `<origin>/#invite=<token>`.

    Nobody can be given a role that may do more than the token of this request.
    """
    invite, created = await coalition.make_invite(invite_id, data, organiser)
    return Response(invite, status_code=201 if created else 200)


@delete(
    "/v1/invites/{invite_id:uuid}",
    operation_id="deleteInvite",
    summary="Revoke an invite",
    tags=TAGS,
    opt=scoped("invites:write"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 503),
)
async def delete_invite(
    invite_id: FromPath[UUID], coalition: NamedDependency[CoalitionService]
) -> None:
    """Nobody comes in with it any more, whether or not it was there. Who came in stays."""
    await coalition.revoke_invite(invite_id)


@get(
    "/v1/access-tokens",
    operation_id="listAccessTokens",
    summary="One's own access tokens",
    tags=TAGS,
    opt=scoped("tokens:write"),
    security=TOKEN,
    responses=answers(401, 403, 503),
)
async def list_access_tokens(
    organiser: NamedDependency[Organiser], coalition: NamedDependency[CoalitionService]
) -> AccessTokens:
    """Each with its scopes, its last day and the day of its last use. Never the token itself."""
    return await coalition.access_tokens(organiser)


@put(
    "/v1/access-tokens/{token_id:uuid}",
    operation_id="putAccessToken",
    summary="Make an access token",
    tags=TAGS,
    opt=scoped("tokens:write"),
    security=TOKEN,
    responses={
        **_made(AccessToken, "The token works", "It was made before"),
        **answers(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
)
async def put_access_token(
    token_id: FromPath[UUID],
    data: JSONBody[AccessTokenRequest],
    organiser: NamedDependency[Organiser],
    coalition: NamedDependency[CoalitionService],
) -> Response[AccessToken]:
    """For a script or a second device: made by the client, with no more scopes than one's own."""
    token, created = await coalition.make_access_token(token_id, data, organiser)
    return Response(token, status_code=201 if created else 200)


@delete(
    "/v1/access-tokens/{token_id:uuid}",
    operation_id="deleteAccessToken",
    summary="Revoke an access token",
    tags=TAGS,
    opt=scoped("tokens:write"),
    security=TOKEN,
    responses=answers(400, 401, 403, 404, 503),
)
async def delete_access_token(
    token_id: FromPath[UUID],
    organiser: NamedDependency[Organiser],
    coalition: NamedDependency[CoalitionService],
) -> None:
    """It works no more from the next request on, whether or not it was there."""
    await coalition.revoke_access_token(token_id, organiser)


ROUTES = [
    redeem_invite,
    list_invites,
    put_invite,
    delete_invite,
    list_access_tokens,
    put_access_token,
    delete_access_token,
]
