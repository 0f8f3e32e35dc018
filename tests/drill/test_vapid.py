"""The phones' own check of who sent a message (RFC 8292), tried with a signer that is not ours."""

import time

import pytest
from py_vapid import Vapid02

from backend.drill.vapid import WrongSignatureError, check_vapid
from tests.drill.senders import new_sender, public_point, signed

PUSH_SERVICE = "https://localhost:9443"
DAY_SECONDS = 24 * 3600


@pytest.fixture(scope="module")
def sender() -> Vapid02:
    return new_sender()


def check(authorization: str, sender: Vapid02) -> str | None:
    claims = check_vapid(
        authorization, audience=PUSH_SERVICE, published_key=public_point(sender), now=time.time()
    )
    return claims.sub


def test_a_message_from_the_published_key_is_believed(sender: Vapid02) -> None:
    assert check(signed(sender, PUSH_SERVICE), sender) == "mailto:rally@rally.example"


def test_another_sender_is_not_believed(sender: Vapid02) -> None:
    with pytest.raises(WrongSignatureError, match="API publishes"):
        check(signed(new_sender(), PUSH_SERVICE), sender)


def test_a_stranger_who_names_the_published_key_is_not_believed(sender: Vapid02) -> None:
    own = signed(sender, PUSH_SERVICE)
    forged = signed(new_sender(), PUSH_SERVICE)
    mixed = forged.partition(",")[0] + own[own.index(",") :]

    with pytest.raises(WrongSignatureError, match="does not fit"):
        check(mixed, sender)


def test_a_signature_for_another_push_service_is_not_believed(sender: Vapid02) -> None:
    with pytest.raises(WrongSignatureError, match="audience"):
        check(signed(sender, "https://push.example"), sender)


@pytest.mark.parametrize("lifetime", [-1, DAY_SECONDS + 60])
def test_a_signature_that_expired_or_lives_too_long_is_not_believed(
    sender: Vapid02, lifetime: int
) -> None:
    with pytest.raises(WrongSignatureError, match="24 hours"):
        check(signed(sender, PUSH_SERVICE, exp=int(time.time()) + lifetime), sender)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "vapid",
        "vapid t=, k=",
        "vapid t=a.b.c, k=BA",
        "Bearer abc",
        "WebPush a.b.c",
        "vapid t=e30.e30.e30, k={key}",
        "vapid t=eyJhbGciOiJub25lIn0.e30., k={key}",
    ],
)
def test_a_header_of_another_form_is_not_believed(sender: Vapid02, authorization: str) -> None:
    key = signed(sender, PUSH_SERVICE).partition("k=")[2]

    with pytest.raises(WrongSignatureError):
        check(authorization.replace("{key}", key), sender)
