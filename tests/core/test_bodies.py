"""Bodies are read strictly by the real application, and no refusal repeats what was sent."""

import json
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.bodies import MAX_BODY_BYTES, MAX_DEPTH, refuse_ambiguity
from backend.core.problems import Problem
from backend.core.tokens import new_token
from tests.support.clock import SetClock
from tests.support.http import bearer, slug
from tests.support.organisers import MakeOrganiser, OrganiserInHand

CANARY = "canary-4f1c"
DOOR = "/v1/invites/redeem"
JSON = {"Content-Type": "application/json"}


async def send(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    answer = await client.post(
        DOOR, content=body, headers={**bearer(new_token()), **JSON, **headers}
    )
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)
    return answer


@pytest.fixture
async def admin(organiser: MakeOrganiser, clock: SetClock) -> OrganiserInHand:
    return await organiser("admin")


@pytest.mark.parametrize(
    "body",
    [
        b'{"invite":"%b","invite":"%b"}',
        b'{"invite":"%b","handle":{"a":1,"a":2}}',
        b'{"invite":"%b","inv\\u0069te":"x"}',
    ],
)
async def test_bad_input_52_a_key_that_stands_twice_is_refused(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await send(client, body.replace(b"%b", CANARY.encode()))
    assert (answer.status_code, slug(answer)) == (400, "invalid-json")
    assert answer.json()["detail"] == "A key stands twice in one object."


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
async def test_bad_input_53_nesting_ten_thousand_deep_is_refused(
    client: httpx.AsyncClient, opener: bytes
) -> None:
    answer = await send(client, b'{"invite":' + opener * 5_000)
    assert (answer.status_code, slug(answer)) == (400, "invalid-json")
    answer = await send(client, opener * 10_000 + b"1")
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9223372036854775808", b"1.0", b"true"]
)
async def test_bad_input_54_numbers_that_are_none_are_refused(
    client: httpx.AsyncClient, admin: OrganiserInHand, number: bytes
) -> None:
    body = b'{"token":"%b","role":"organiser","expiresInHours":%b}'
    answer = await client.put(
        f"/v1/invites/{uuid4()}",
        content=body % (new_token().encode(), number),
        headers={**admin.headers, **JSON},
    )
    assert answer.status_code == 400
    assert slug(answer) in ("invalid-json", "invalid-body")
    assert number.decode() not in answer.text


@pytest.mark.parametrize("field", ["phone", "email", "lat", "__proto__", f"{CANARY}-field"])
async def test_bad_input_55_a_field_without_a_room_is_refused(
    client: httpx.AsyncClient, field: str
) -> None:
    body = json.dumps({"invite": new_token(), field: CANARY}).encode()
    answer = await send(client, body)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert answer.json()["errors"] == [{"pointer": "", "reason": "Unknown fields are refused"}]
    assert field not in answer.text


@pytest.mark.parametrize(
    "letter", ["\u202e", "\u2066", "\u200b", "\u200f", "\u2060", "\ufeff", "\u0000", "\u001b"]
)
async def test_bad_input_56_text_that_shows_itself_as_another_is_refused(
    client: httpx.AsyncClient, letter: str
) -> None:
    body = json.dumps({"invite": new_token(), "handle": f"{CANARY}{letter}tree"}).encode()
    answer = await send(client, body)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert "must not hold control" in answer.json()["errors"][0]["reason"]


async def test_bad_input_57_a_body_over_the_limit_is_refused_announced_or_not(
    client: httpx.AsyncClient,
) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    assert (await send(client, body)).status_code == 413

    async def unannounced():
        for _ in range(3):
            yield b" " * (MAX_BODY_BYTES // 2)

    answer = await client.post(DOOR, content=unannounced(), headers={**bearer(new_token()), **JSON})
    assert (answer.status_code, slug(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"invite":"x"}',
        b'{"invite":"\xc3\x28"}',
        b'{"invite":"\\ud800"}',
        b"{'invite':'x'}",
        b'{"invite":"x"}{"invite":"y"}',
        b'{"invite":"x",}',
        b'{"handle":' + b"9" * 5_000 + b"}",
    ],
)
async def test_what_is_no_json_is_said_to_be_none(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await send(client, body)
    assert answer.status_code == 400
    assert slug(answer) in ("invalid-json", "invalid-body")


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"{}", b'{"invite":7}'])
async def test_json_of_another_shape_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await send(client, body)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
async def test_a_form_of_another_site_is_no_request(
    client: httpx.AsyncClient, media_type: str
) -> None:
    answer = await send(client, b'{"invite":"x"}', **{"Content-Type": media_type})
    assert (answer.status_code, slug(answer)) == (415, "media-type")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(json_values, st.booleans())
def test_honest_json_is_let_through(value: object, escaped: bool) -> None:
    refuse_ambiguity(json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@given(st.integers(0, MAX_DEPTH + 4), st.text('[]{}"\\,x'))
def test_brackets_inside_text_are_no_nesting(deep: int, text: str) -> None:
    body = b"[" * deep + json.dumps(text).encode() + b"]" * deep
    if deep <= MAX_DEPTH:
        refuse_ambiguity(body)
    else:
        with pytest.raises(Problem):
            refuse_ambiguity(body)
