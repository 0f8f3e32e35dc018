"""An organiser's invite: shown with what to do next, and never sent by the page itself."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest

from backend.coalition.commands import invite
from backend.core.tokens import new_token
from backend.settings import Settings
from tests.browser.conftest import Arrive
from tests.support.clock import SetClock


async def test_the_commands_on_the_page_accept_the_invite(
    visit: Arrive, settings: Settings, clock: SetClock, client: httpx.AsyncClient
) -> None:
    link = await invite(settings, clock=clock)
    visitor = await visit()
    await visitor.open(f"/#invite={link.token}")
    (commands,) = await visitor.text(".invite pre")
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-euc", commands),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await asyncio.wait_for(shell.communicate(), 20)
    answer, token = said.decode().splitlines()
    assert json.loads(answer)["role"] == "admin"
    tokens = await client.get("/v1/access-tokens", headers={"Authorization": f"Bearer {token}"})
    assert tokens.status_code == 200


async def test_the_commands_can_be_copied(visit: Arrive) -> None:
    visitor = await visit(language="en-US")
    await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visitor.open(f"/#invite={new_token()}")
    await visitor.page.get_by_role("button", name="Copy the commands").click()
    await visitor.page.get_by_role("button", name="Copied").wait_for()
    copied = await visitor.page.evaluate("navigator.clipboard.readText()")
    assert [copied] == await visitor.text(".invite pre")


async def test_the_page_keeps_the_invite_to_itself(visit: Arrive) -> None:
    token = new_token()
    visitor = await visit()
    await visitor.open(f"/#invite={token}")
    assert token in (await visitor.text(".invite pre"))[0]
    await visitor.page.clock.run_for(timedelta(minutes=2) // timedelta(milliseconds=1))
    assert len(visitor.requests) > 5
    for request in visitor.requests:
        sent = [request.url.partition("#")[0], request.post_data or "", str(request.headers)]
        assert token not in "".join(sent)


@pytest.mark.parametrize("fragment", ["", "#invite=", "#invite=short", "#invite=" + "<" * 43])
async def test_what_is_no_invite_shows_none(visit: Arrive, fragment: str) -> None:
    visitor = await visit()
    await visitor.open(f"/{fragment}")
    assert await visitor.text(".invite") == []
