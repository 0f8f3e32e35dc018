"""The reverse proxy keeps no log of visitors and passes nothing of them on."""

import re

import msgspec
import pytest

from backend.core.bodies import MAX_BODY_BYTES
from backend.core.problems import TITLES
from schemas.problems import ProblemDetails
from tests.architecture.house import ROOT

Block = list[tuple[list[str], "Block | None"]]
TOKEN = re.compile(r"#[^\n]*|\"[^\"]*\"|'[^']*'|[{};]|[^\s{};]+")


def parse(text: str) -> Block:
    """Directives of an nginx configuration, each with its block if it has one.

    Raises:
        ValueError: a brace or a semicolon is missing or too many.
    """
    stack: list[Block] = [[]]
    words: list[str] = []
    for token in TOKEN.findall(text):
        if token.startswith("#"):
            continue
        if token == ";":
            if not words:
                raise ValueError("an empty directive")
            stack[-1].append((words, None))
            words = []
        elif token == "{":
            inner: Block = []
            stack[-1].append((words, inner))
            stack.append(inner)
            words = []
        elif token == "}":
            if words or len(stack) == 1:
                raise ValueError(f"misplaced brace after {words}")
            stack.pop()
        else:
            words.append(token)
    if words or len(stack) > 1:
        raise ValueError("it ends too early")
    return stack[0]


def find(block: Block, name: str) -> list[list[str]]:
    """Arguments of every directive of a name, wherever it stands."""
    found: list[list[str]] = []
    for words, inner in block:
        if words[0] == name:
            found.append(words[1:])
        if inner is not None:
            found += find(inner, name)
    return found


@pytest.fixture(scope="module")
def nginx() -> Block:
    """Our reverse proxy."""
    return parse((ROOT / "infra" / "nginx" / "exit10.conf").read_text("utf-8"))


@pytest.mark.parametrize(
    "text", ["http {", "http { } }", "access_log off", "http { gzip on }", ";"]
)
def test_a_broken_file_is_found(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_no_visitor_is_written_down(nginx: Block) -> None:
    assert find(nginx, "access_log") == [["off"]]
    assert find(nginx, "error_log") == [["stderr", "emerg"]]


def test_nothing_of_a_visitor_is_passed_on(nginx: Block) -> None:
    passed = {words[0].lower(): words[1] for words in find(nginx, "proxy_set_header")}
    for header in ("x-forwarded-for", "x-real-ip", "forwarded", "user-agent", "referer"):
        assert passed[header] == '""', header
    assert not any("$remote_addr" in value or "$proxy_add" in value for value in passed.values())


def test_bodies_are_bounded_and_never_touch_a_disk(nginx: Block) -> None:
    limit = f"{MAX_BODY_BYTES // 1024}k"
    assert find(nginx, "client_max_body_size") == [[limit]]
    assert find(nginx, "client_body_buffer_size") == [[limit]]
    assert find(nginx, "proxy_max_temp_file_size") == [["0"]]


@pytest.mark.parametrize(
    ("path", "live"),
    [
        ("/v1/alerts/0191d0a5-0000-7000-8000-000000000000/live", True),
        ("/v1/occurrences/0191d0a5-0000-7000-8000-000000000000/live", True),
        ("/v1/occurrences/0191d0a5-0000-7000-8000-000000000000", False),
        ("/", False),
    ],
)
def test_live_updates_are_not_held_back(nginx: Block, path: str, live: bool) -> None:
    (pattern,) = (words[1] for words in find(nginx, "location") if words[0] == "~")
    assert bool(re.search(pattern, path)) is live
    assert find(nginx, "proxy_buffering") == [["off"]]


def test_refusals_of_the_proxy_are_those_of_the_api(nginx: Block) -> None:
    told = {words[0]: words[1] for words in find(nginx, "return") if words[1:] and "{" in words[1]}
    assert told.keys() == {"404", "413", "503"}
    for status, text in told.items():
        slug, title = TITLES[int(status)]
        problem = ProblemDetails(type=f"/problems/{slug}", title=title, status=int(status))
        assert msgspec.json.decode(text.strip("'"), type=ProblemDetails) == problem


def test_plain_http_only_points_to_tls(nginx: Block) -> None:
    assert ["301", "https://$host$request_uri"] in find(nginx, "return")
    assert find(nginx, "ssl_protocols") == [["TLSv1.2", "TLSv1.3"]]
