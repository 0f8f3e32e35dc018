"""What simulated phones show, and that they notice each fault a sender could have."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from py_vapid import Vapid02

from backend.drill.decryption import UndecryptableError
from backend.drill.phones import Crowd, Keys, Phone, WrongPayloadError, write_keys
from backend.drill.spool import SpoolWriter
from backend.drill.vapid import WrongSignatureError
from backend.drill.verification import (
    Expected,
    Findings,
    arrival_times,
    process_pool,
    read_messages,
)
from tests.drill.senders import ALERT, WORDS, new_sender, payload, public_point, sealed, signed

PUSH_SERVICE = "https://localhost:9443"
LANGUAGES = ("ko", "en")


@pytest.fixture(scope="module")
def sender() -> Vapid02:
    return new_sender()


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with process_pool() as pool:
        yield pool


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    with ThreadPoolExecutor(1) as executor:
        assert list(write_keys(tmp_path / "keys", 4, executor)) == [4]
    return Keys(tmp_path / "keys")


def expected(sender: Vapid02) -> Expected:
    return Expected(
        audience=PUSH_SERVICE,
        published_key=public_point(sender),
        now=time.time(),
        alert=ALERT,
        kind="change",
        texts=WORDS,
        languages=LANGUAGES,
    )


def read(phone: Phone, sender: Vapid02, text: bytes) -> None:
    phone.receive(
        sealed(phone, text),
        signed(sender, PUSH_SERVICE),
        audience=PUSH_SERVICE,
        published_key=public_point(sender),
        now=time.time(),
    )


def test_an_update_takes_the_place_of_the_alert_it_updates(sender: Vapid02) -> None:
    phone = Phone.new(f"{PUSH_SERVICE}/push/a")

    read(phone, sender, payload("ko"))
    read(phone, sender, payload("ko"))
    read(phone, sender, payload("ko", title="8번 출구로 옮깁니다"))
    read(phone, sender, payload("ko", tag="another"))

    assert {tag: shown.title for tag, shown in phone.notifications.items()} == {
        "exit-nine": "8번 출구로 옮깁니다",
        "another": "9번 출구로 옮깁니다",
    }


@pytest.mark.parametrize("size", [2047, 2049])
def test_a_payload_whose_size_tells_something_is_noticed(sender: Vapid02, size: int) -> None:
    with pytest.raises(WrongPayloadError, match=str(size)):
        read(Phone.new(PUSH_SERVICE), sender, payload("en", size=size))


def test_a_payload_with_a_field_too_many_is_noticed(sender: Vapid02) -> None:
    with pytest.raises(WrongPayloadError, match="phone"):
        read(Phone.new(PUSH_SERVICE), sender, payload("en", phone="1"))


def test_a_phone_shows_nothing_from_a_stranger(sender: Vapid02) -> None:
    phone = Phone.new(PUSH_SERVICE)

    with pytest.raises(WrongSignatureError):
        phone.receive(
            sealed(phone, payload("en")),
            signed(new_sender(), PUSH_SERVICE),
            audience=PUSH_SERVICE,
            published_key=public_point(sender),
            now=time.time(),
        )
    assert not phone.notifications


def test_a_message_for_another_phone_is_not_shown(sender: Vapid02) -> None:
    phone, other = Phone.new(PUSH_SERVICE), Phone.new(PUSH_SERVICE)

    with pytest.raises(UndecryptableError):
        phone.open(sealed(other, payload("en")))


def test_every_phone_of_a_crowd_has_keys_an_endpoint_and_a_token_of_its_own(keys: Keys) -> None:
    endpoints = [f"{PUSH_SERVICE}/push/{number:022d}" for number in range(4)]
    crowd = Crowd(keys, endpoints, LANGUAGES)

    assert [crowd.endpoint(number) for number in range(4)] == endpoints
    assert [crowd.language(number) for number in range(4)] == ["ko", "en", "ko", "en"]
    assert len({crowd.token(number) for number in range(4)}) == 4
    assert {len(crowd.token(number)) for number in range(4)} == {43}
    assert all(
        crowd.subscription(number) == keys.phone(number, endpoints[number]).subscription()
        for number in range(4)
    )


def spool(folder: Path, messages: list[tuple[int, bytes, str]]) -> Path:
    """Leave messages (phone, body, authorization) for the phones."""
    writer = SpoolWriter(folder / "messages")
    for number, body, authorization in messages:
        block = f"topic: exit-nine\r\nauthorization: {authorization}".encode()
        writer.message(number, float(number), writer.headers(block), body)
    writer.close()
    return folder / "messages"


def report(path: Path, keys: Keys, sender: Vapid02, pool: ProcessPoolExecutor) -> Findings:
    findings = Findings()
    for found in read_messages(path, keys.path, expected(sender), pool):
        findings.add(found)
    return findings


def test_a_crowd_reports_what_it_would_show_and_what_came_twice(
    tmp_path: Path, keys: Keys, sender: Vapid02, pool: ProcessPoolExecutor
) -> None:
    right = signed(sender, PUSH_SERVICE)
    messages = [
        (number, sealed(keys.phone(number), payload(LANGUAGES[number % 2])), right)
        for number in (0, 1, 2, 1)
    ]
    path = spool(tmp_path, messages)

    findings = report(path, keys, sender, pool)

    assert (findings.messages, findings.shown, findings.wrong_tag) == (4, [0, 1, 2], 0)
    assert {language: shown.title for language, shown in findings.examples.items()} == {
        language: words[0] for language, words in WORDS.items()
    }
    assert arrival_times(path) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "audience", "cut", "count"),
    [
        (payload("ko"), PUSH_SERVICE, 1, "undecryptable"),
        (payload("ko"), "https://push.example", 0, "wrong_signature"),
        (b"hello", PUSH_SERVICE, 0, "wrong_payload"),
        (payload("ko", title="거짓"), PUSH_SERVICE, 0, "wrong_payload"),
        (payload("en"), PUSH_SERVICE, 0, "wrong_language"),
        (payload("ko", tag="another"), PUSH_SERVICE, 0, "wrong_tag"),
    ],
)
def test_a_crowd_notices_one_bad_message_among_good_ones(
    tmp_path: Path,
    keys: Keys,
    sender: Vapid02,
    pool: ProcessPoolExecutor,
    text: bytes,
    audience: str,
    cut: int,
    count: str,
) -> None:
    right = signed(sender, PUSH_SERVICE)
    good = [(n, sealed(keys.phone(n), payload(LANGUAGES[n % 2])), right) for n in (1, 2, 3)]
    body = sealed(keys.phone(0), text)
    bad = (0, body[: len(body) - cut], signed(sender, audience))

    findings = report(spool(tmp_path, [bad, *good]), keys, sender, pool)

    wrong = {
        "undecryptable": findings.undecryptable,
        "wrong_signature": findings.wrong_signature,
        "wrong_payload": findings.wrong_payload,
        "wrong_language": findings.wrong_language,
        "wrong_tag": findings.wrong_tag,
    }
    assert wrong == dict.fromkeys(wrong, 0) | {count: 1}
    assert findings.shown[-3:] == [1, 2, 3]
