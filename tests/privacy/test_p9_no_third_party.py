"""P9: no page loads anything from elsewhere: every answer forbids it, and no file asks for it."""

import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.architecture.house import ROOT
from tests.contract.test_document import OPERATIONS, Operation
from tests.support.organisers import MakeOrganiser

WEB = ROOT / "backend" / "web"
LOADED = frozenset({".html", ".css", ".js", ".svg", ".json", ".webmanifest"})
ORIGIN = re.compile(
    r"""(?:https?|wss?|ftp):/*[^\s"'`<>)]+|["'`(=]\s*//[a-z0-9-]+\.[^\s"'`<>)]+""",
    re.IGNORECASE,
)
NAMES_ONLY = re.compile(r"""xmlns(?::\w+)?=["'][^"']+["']|["']http://www\.w3\.org/\d{4}/\w+["']""")
"""A namespace is a name: nobody fetches it."""

each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=[each.told["operationId"] for each in OPERATIONS]
)


def other_origins(text: str) -> list[str]:
    """Addresses elsewhere that a file of the page names."""
    return ORIGIN.findall(NAMES_ONLY.sub("", text))


def sources(policy: str) -> dict[str, list[str]]:
    """The directives of a content security policy."""
    parts = [part.split() for part in policy.split(";")]
    return {part[0]: part[1:] for part in parts}


def keeps_to_itself(answer: httpx.Response) -> bool:
    """Whether an answer lets a browser load things from its own origin only."""
    told = sources(answer.headers.get("content-security-policy", "none"))
    elsewhere = [
        source
        for directive, given in told.items()
        if directive.endswith("-src") or directive in ("base-uri", "form-action", "frame-ancestors")
        for source in given
        if source not in ("'self'", "'none'")
    ]
    return told.get("default-src") == ["'self'"] and not elsewhere


def page_files(folder: Path) -> list[Path]:
    """Everything in a folder that browsers get, not what builds or checks it."""
    return [
        path
        for path in [*folder.glob("*.html"), *(folder / "assets").rglob("*")]
        if path.suffix in LOADED
    ]


@each_operation
async def test_every_answer_keeps_browsers_here(
    client: httpx.AsyncClient, organiser: MakeOrganiser, operation: Operation
) -> None:
    path = re.sub(r"{\w+}", lambda _: str(uuid4()), operation.path)
    if path.endswith("/live"):
        path = path.replace("live", "progress")
    token = (await organiser("admin")).token
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer no"}):
        for body in (b"", b"{", b"x" * 40_000):
            answer = await client.request(operation.method, path, content=body, headers=headers)
            assert keeps_to_itself(answer), answer.headers
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert not answer.headers.get("location")
            assert not answer.headers.get("set-cookie")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/assets/main.js", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/", 405),
        ("TRACE", "/v1/places", 405),
        ("OPTIONS", "/v1/places", 204),
    ],
)
async def test_pages_files_and_refusals_do_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert keeps_to_itself(answer)


async def test_an_answer_that_changed_nothing_does_too(client: httpx.AsyncClient) -> None:
    tag = (await client.get("/")).headers["etag"]
    answer = await client.get("/", headers={"If-None-Match": tag})
    assert answer.status_code == 304
    assert keeps_to_itself(answer)


def test_no_file_of_the_page_names_another_origin() -> None:
    files = page_files(WEB)
    assert len(files) > 5
    named = {path.name: other_origins(path.read_text("utf-8")) for path in files}
    assert {name: found for name, found in named.items() if found} == {}


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/preact.js"></script>',
        '<link href="//fonts.example/css" rel="stylesheet">',
        "@import url(//fonts.example/a.css);",
        'import { h } from "https://esm.example/preact"',
        'new WebSocket("wss://push.example/")',
        "fetch(`//stats.example/hit`)",
        '<image href="http://tiles.example/1.png"/>',
    ],
)
def test_another_origin_is_found(text: str) -> None:
    assert len(other_origins(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>',
        "// A comment is no address.",
        'import { h } from "./page.js"',
        'fetch("/v1/places")',
    ],
)
def test_one_s_own_files_are_fine(text: str) -> None:
    assert other_origins(text) == []


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "default-src *",
        "default-src 'self' https://cdn.example",
        "default-src 'self'; script-src 'self' 'unsafe-inline'",
        "default-src 'self'; connect-src https:",
    ],
)
def test_a_looser_policy_is_found(policy: str) -> None:
    headers = {"content-security-policy": policy} if policy else {}
    assert not keeps_to_itself(httpx.Response(200, headers=headers))
