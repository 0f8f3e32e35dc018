"""A phone subscribes under a token of its own, and nobody can read back where it is reached."""

import base64
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backend.core.tokens import new_token
from backend.drill.phones import Phone
from tests.alerts.test_endpoints import BAD
from tests.support.clock import SetClock
from tests.support.pools import PoolAs
from tests.support.rally import Rally, bearer

FCM = "https://fcm.googleapis.com/fcm/send/"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def put(rally: Rally, subscription: dict[str, Any], **fields: Any) -> tuple[int, str]:
    """Send a subscription under a fresh token; gives the status and the problem's slug."""
    answer = await rally.client.put(
        "/v1/push/subscription",
        json={"subscription": subscription, "series": str(rally.series), **fields},
        headers={"Authorization": f"Bearer {new_token()}"},
    )
    body = answer.json()
    return answer.status_code, body.get("type", "").removeprefix("/problems/")


async def test_subscribing_looking_and_leaving(rally: Rally, clock: SetClock) -> None:
    phone = Phone.new(FCM + "x" * 150)
    subscribed = await rally.renew(phone, "en")
    assert subscribed.json() == {
        "series": str(rally.series),
        "language": "en",
        "audience": "attendees",
        "expiresOn": str(date(2024, 10, 7)),
    }
    found = await rally.client.get("/v1/push/subscription", headers=bearer(phone))
    assert found.json() == subscribed.json()
    for _ in range(2):
        left = await rally.client.delete("/v1/push/subscription", headers=bearer(phone))
        assert (left.status_code, left.content) == (204, b"")
    gone = await rally.client.get("/v1/push/subscription", headers=bearer(phone))
    assert gone.status_code == 404


async def test_a_phone_on_a_choked_network_may_repeat_itself(
    rally: Rally, owner: asyncpg.Connection
) -> None:
    phone = Phone.new(FCM + "y")
    for language in ("ko", "ko", "en"):
        assert (await rally.renew(phone, language)).status_code == 200
    assert await owner.fetchval("select count(*) from subscription") == 1


async def test_the_api_cannot_read_back_a_box(rally: Rally, pool_as: PoolAs) -> None:
    await rally.renew(Phone.new(FCM + "z"))
    api = await pool_as("exit10_api")
    assert await api.fetchval("select count(*) from subscription") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.fetch("select box from subscription")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.fetch("update subscription set language = 'ko' returning box")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await (await pool_as("exit10_maint")).fetch("select box from subscription")


async def test_boxes_have_one_size_and_never_repeat(
    rally: Rally, owner: asyncpg.Connection
) -> None:
    phone = Phone.new(FCM + "a" * 700)
    boxes: set[bytes] = set()
    for one in (phone, phone, Phone.new(FCM + "b")):
        await rally.renew(one)
        boxes |= {row["box"] for row in await owner.fetch("select box from subscription")}
    assert len(boxes) == 3
    assert {len(box) for box in boxes} == {1072}
    assert not any(b"fcm.googleapis.com" in box for box in boxes)


@pytest.mark.parametrize("number", BAD)
async def test_addresses_that_no_push_may_go_to(rally: Rally, number: float) -> None:
    status, slug = await put(rally, {**Phone.new("").subscription(), "endpoint": BAD[number]})
    assert status == 422, slug
    assert slug.startswith("endpoint-")


POINT = Phone.new(FCM + "k").point
KEYS: dict[str, dict[str, str]] = {
    "21 off the curve": {"p256dh": encoded(POINT[:-1] + bytes([POINT[-1] ^ 1]))},
    "22 all zero": {"p256dh": encoded(b"\4" + bytes(64))},
    "22 really all zero": {"p256dh": encoded(bytes(65))},
    "23 compressed": {"p256dh": encoded(bytes([2 + POINT[-1] % 2]) + POINT[1:33])},
    "24 fifteen": {"auth": encoded(bytes(15))},
    "24 seventeen": {"auth": encoded(bytes(17))},
    "25 no point": {"p256dh": ""},
    "25 no auth": {"auth": ""},
    "26 no base64": {"p256dh": "!!!" + encoded(POINT)[3:]},
    "26 no base64 in auth": {"auth": "ä" * 22},
    "26 other alphabet": {"auth": "++++////++++////++++//"},
}


@pytest.mark.parametrize("case", KEYS)
async def test_keys_that_nothing_can_be_encrypted_for(rally: Rally, case: str) -> None:
    subscription: dict[str, Any] = Phone.new(FCM + "k").subscription()
    status, slug = await put(
        rally, {**subscription, "keys": {**subscription["keys"], **KEYS[case]}}
    )
    assert status == 422
    assert slug in {"p256dh-malformed", "p256dh-off-curve", "auth-malformed"}


@pytest.mark.parametrize("field", ["phone", "email", "lat", "name", "userAgent"])
async def test_a_field_about_a_person_is_refused(  # bad input 55
    rally: Rally, field: str
) -> None:
    status, slug = await put(rally, Phone.new(FCM + "k").subscription(), **{field: "canary"})
    assert (status, slug) == (400, "invalid-body")


async def test_the_browsers_own_json_is_accepted_as_it_is(rally: Rally) -> None:
    subscription = Phone.new(FCM + "k").subscription()
    assert (await put(rally, {**subscription, "expirationTime": None}))[0] == 200


async def test_an_unknown_series_is_told_apart(rally: Rally) -> None:
    status, slug = await put(rally, Phone.new(FCM + "k").subscription(), series=str(uuid4()))
    assert (status, slug) == (404, "series-not-found")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic " + "A" * 43, "Bearer é"])
async def test_without_a_token_nothing_is_looked_at(rally: Rally, token: str) -> None:
    answer = await rally.client.get(
        "/v1/push/subscription", headers=[(b"authorization", token.encode())]
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_subscribing_waits_for_the_first_key(
    rally: Rally, owner: asyncpg.Connection, clock: SetClock
) -> None:
    clock.forward(days=14)
    phone = Phone.new(FCM + "k")
    answer = await rally.renew(phone)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-epoch-key")
    assert answer.headers["retry-after"] == "5"


async def test_the_key_that_signs_is_published(rally: Rally) -> None:
    answer = await rally.client.get("/v1/push/vapid-key")
    point = base64.urlsafe_b64decode(answer.json()["publicKey"] + "=")
    assert (len(point), point[0]) == (65, 4)
    again = await rally.client.get(
        "/v1/push/vapid-key", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
