"""What the operator does at the command line: invites, and tokens for scripts.

Writes as `exit10_maint`. A link or a token is shown once, on standard output, and kept nowhere.
"""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from uuid import uuid4

import asyncpg
import msgspec
import segno

from backend.coalition import repository, rules
from backend.core.clock import Clock, system_clock
from backend.core.database import Pool, open_pool
from backend.core.errors import Conflict, DomainError, NotFound, Refused
from backend.core.tokens import Purpose, digest, new_token, parse_token
from backend.settings import Settings
from schemas.coalition import MAX_INVITE_HOURS, Role, Scope


class InviteLink(msgspec.Struct, frozen=True):
    """An invite to hand on. The token is in the link's fragment, which no server gets to see."""

    link: str
    token: str
    role: Role
    expires_at: datetime


class ScriptToken(msgspec.Struct, frozen=True):
    """An access token for a script, shown once."""

    token: str
    scopes: list[Scope]
    expires_on: date


@asynccontextmanager
async def _maintenance(settings: Settings) -> AsyncGenerator[Pool]:
    pool = await open_pool(settings, "exit10_maint", size=1)
    try:
        yield pool
    finally:
        await pool.close()


async def has_organisers(settings: Settings) -> bool:
    """Whether anybody came in yet who has not left."""
    async with _maintenance(settings) as pool:
        return await repository.count_organisers(pool) > 0


async def invite(
    settings: Settings, role: Role = Role.ADMIN, hours: int = 24, clock: Clock = system_clock
) -> InviteLink:
    """Make an invite that works for `hours`."""
    token = new_token()
    expires_at = clock() + timedelta(hours=hours)
    async with _maintenance(settings) as pool:
        await repository.insert_invite(
            pool,
            uuid4(),
            _digest(settings, Purpose.INVITE, token),
            role,
            expires_at,
            by_operator=True,
        )
    return InviteLink(f"{settings.origin}/#invite={token}", token, role, expires_at)


def render(link: InviteLink) -> str:
    """The link and its QR code as text for a terminal."""
    code = io.StringIO()
    segno.make(link.link, micro=False).terminal(code, compact=True)
    return f"{link.link}\n{code.getvalue()}"


async def access_token(
    settings: Settings,
    handle: str,
    scopes: Collection[Scope] = (),
    days: int = 90,
    clock: Clock = system_clock,
) -> ScriptToken:
    """Make an access token for the organiser of a handle, with `scopes` or all that her role has.

    Args:
        days: how many days it works, a year at most.

    Raises:
        NotFound: nobody is called so.
        Conflict: `handle-ambiguous`, more than one organiser is called so.
        Refused: `scope-beyond-own`, her role does not have one of the scopes.
    """
    token = new_token()
    today = clock().date()
    expires_on = min(today + timedelta(days=days), rules.last_day(today))
    async with _maintenance(settings) as pool:
        found = await repository.find_organisers_by_handle(pool, handle)
        if not found:
            raise NotFound("not-found", "No organiser has this handle.")
        if len(found) > 1:
            raise Conflict("handle-ambiguous", "More than one organiser has this handle.")
        allowed = rules.SCOPES_OF[Role(found[0].role)]
        if not allowed.issuperset(scopes):
            raise Refused("scope-beyond-own", "Her role does not have every one of these scopes.")
        chosen = sorted(set(scopes) or allowed)
        await repository.insert_access_token(
            pool,
            uuid4(),
            found[0].id,
            _digest(settings, Purpose.ACCESS, token),
            chosen,
            expires_on,
        )
    return ScriptToken(token, chosen, expires_on)


def add_invite_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `exit10 invite`."""
    parser.add_argument("--role", type=Role, choices=list(Role), default=Role.ADMIN)
    parser.add_argument(
        "--hours", type=int, choices=range(1, MAX_INVITE_HOURS + 1), default=24, metavar="N"
    )


def run_invite(options: argparse.Namespace) -> int:
    """Make an invite and show its link and QR code; the exit code."""

    async def made(settings: Settings) -> str:
        return render(await invite(settings, options.role, options.hours))

    return _show(made)


def add_token_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `exit10 token`."""
    parser.add_argument("handle", help="the organiser whom the script works for")
    parser.add_argument(
        "--scope",
        type=Scope,
        choices=list(Scope),
        action="append",
        default=[],
        dest="scopes",
        help="may be given several times; without it, all that her role has",
    )
    parser.add_argument(
        "--days", type=int, choices=range(1, rules.MAX_ACCESS_DAYS + 1), default=90, metavar="N"
    )


def run_token(options: argparse.Namespace) -> int:
    """Make an access token and show it; the exit code."""

    async def made(settings: Settings) -> str:
        return (await access_token(settings, options.handle, options.scopes, options.days)).token

    return _show(made)


def _show(make: Callable[[Settings], Coroutine[None, None, str]]) -> int:
    try:
        shown = asyncio.run(make(Settings.from_environment(os.environ)))
    except DomainError as error:
        sys.stderr.write(f"exit10: {error.sentence}\n")
        return 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        sys.stderr.write("exit10: EXIT10_DATABASE_URL: the database does not answer or refuses.\n")
        return 1
    sys.stdout.write(f"{shown}\n")
    return 0


def _digest(settings: Settings, purpose: Purpose, token: str) -> bytes:
    parsed = parse_token(token)
    if parsed is None:
        raise ValueError("no token")
    return digest(settings.token_key, purpose, parsed)
