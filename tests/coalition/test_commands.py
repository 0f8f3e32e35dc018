"""What an operator does at the command line, with nothing but the settings."""

import base64
from argparse import ArgumentParser

import asyncpg
import httpx
import pytest

from backend.coalition.commands import (
    access_token,
    add_invite_arguments,
    add_token_arguments,
    run_invite,
    run_token,
)
from backend.core.errors import Conflict, NotFound, Refused
from backend.settings import Settings
from schemas.coalition import Scope
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser


@pytest.fixture
def operator(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody at the command line."""
    key = base64.urlsafe_b64encode(settings.token_key.reveal()).decode()
    monkeypatch.setenv("EXIT10_DATABASE_URL", settings.database_url.reveal().decode())
    monkeypatch.setenv("EXIT10_REDIS_URL", settings.redis_url.reveal().decode())
    monkeypatch.setenv("EXIT10_TOKEN_KEY", key)
    monkeypatch.setenv("EXIT10_ORIGIN", settings.origin)


async def test_a_script_works_for_the_organiser_of_a_handle(
    client: httpx.AsyncClient, organiser: MakeOrganiser, settings: Settings, clock: SetClock
) -> None:
    someone = await organiser("organiser")
    made = await access_token(settings, someone.handle, [Scope.TOKENS_WRITE], 7, clock)
    assert made.expires_on.isoformat() == "2024-09-09"
    headers = {"Authorization": f"Bearer {made.token}"}
    assert (await client.get("/v1/access-tokens", headers=headers)).status_code == 200
    assert (await client.get("/v1/invites", headers=headers)).status_code == 403
    everything = await access_token(settings, someone.handle, clock=clock)
    assert frozenset(everything.scopes) == someone.scopes


async def test_a_script_gets_no_more_than_the_role_of_its_organiser(
    organiser: MakeOrganiser, settings: Settings, clock: SetClock
) -> None:
    someone = await organiser("marshal-lead")
    with pytest.raises(Refused) as refusal:
        await access_token(settings, someone.handle, [Scope.SERIES_WRITE], clock=clock)
    assert refusal.value.slug == "scope-beyond-own"


async def test_a_handle_that_nobody_or_more_than_one_has_is_refused(
    organiser: MakeOrganiser, settings: Settings, clock: SetClock, owner: asyncpg.Connection
) -> None:
    with pytest.raises(NotFound):
        await access_token(settings, "nobody-at-all", clock=clock)
    one, other = await organiser(), await organiser()
    await owner.execute("update organiser set handle = $1 where id = $2", one.handle, other.id)
    with pytest.raises(Conflict) as refusal:
        await access_token(settings, one.handle, clock=clock)
    assert refusal.value.slug == "handle-ambiguous"


def test_an_invite_is_shown_as_link_and_qr(
    operator: None, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    add_invite_arguments(parser)
    assert run_invite(parser.parse_args(["--role", "marshal-lead", "--hours", "3"])) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{settings.origin}/#invite=")
    assert "█" in shown


def test_an_unknown_handle_ends_in_a_sentence(
    operator: None, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    add_token_arguments(parser)
    assert run_token(parser.parse_args(["nobody-at-all"])) == 1
    assert capsys.readouterr().err == "exit10: No organiser has this handle.\n"


def test_a_database_that_is_away_ends_in_a_sentence(
    operator: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXIT10_DATABASE_URL", "postgresql://rally:hunter2@/x?host=/nowhere")
    parser = ArgumentParser()
    add_invite_arguments(parser)
    assert run_invite(parser.parse_args([])) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("exit10: EXIT10_DATABASE_URL")
    assert "hunter2" not in complaint


@pytest.mark.parametrize("arguments", [["--hours", "0"], ["--hours", "169"], ["--role", "queen"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    parser = ArgumentParser()
    add_invite_arguments(parser)
    with pytest.raises(SystemExit) as refusal:
        parser.parse_args(arguments)
    assert refusal.value.code == 2
