"""Nothing that a device gives away is kept or said: searched for everywhere, in every disguise."""

import pytest

from tests.privacy.canaries import FORMS, Canary, Search, Sighting, letters
from tests.privacy.places import PLACES, TEXT_ONLY
from tests.privacy.rally_day import RallyDay, planted

SENT_BY_A_PHONE = {"endpoint", "p256dh", "auth", "token", "user agent", "referrer", "query string"}


@pytest.mark.parametrize("place", PLACES)
def test_bad_input_78_nothing_of_the_rally_is_left(day: RallyDay, place: str) -> None:
    left = {sighting for sighting in day.found[place] if not sighting.canary.startswith("planted")}
    assert left == set()


@pytest.mark.parametrize(
    ("place", "form"),
    [
        (place, name)
        for place in PLACES
        for name, form in FORMS.items()
        if form.text or place not in TEXT_ONLY
    ],
)
def test_a_leak_would_be_found(day: RallyDay, place: str, form: str) -> None:
    assert planted(form) in {sighting.canary for sighting in day.found[place]}


@pytest.mark.parametrize("form", FORMS)
def test_a_disguise_is_seen_through_wherever_it_stands(form: str) -> None:
    value = letters().encode()
    search = Search([Canary("the one", (value,)), Canary("another", (letters().encode(),))])
    leak = FORMS[form].write(value)
    for before in range(9):
        assert {seen.canary for seen in search([b"x" * before + leak + b"\n"])} == {"the one"}
        assert search([b"x" * before + leak[: len(leak) // 3]]) == set()


def test_a_sighting_tells_what_was_seen() -> None:
    value = letters().encode()
    search = Search([Canary("a token", (value,))])
    assert search([b"nothing", value.hex().encode()]) == {Sighting("a token", "hex")}


def test_every_place_was_looked_into(day: RallyDay) -> None:
    assert set(day.found) == set(PLACES)


def test_phones_gave_away_all_that_phones_give_away(day: RallyDay) -> None:
    for number in range(8):
        given = {name for name in day.canaries if f"phone {number}" in name}
        assert all(any(what in name for name in given) for what in SENT_BY_A_PHONE)
        assert f"the address told of phone {number}" in given
    assert len(day.canaries) > 150


def test_bad_requests_were_refused(day: RallyDay) -> None:
    assert len(day.refusals) > 40
    assert {answer.status for answer in day.refusals} >= {
        400,
        401,
        404,
        405,
        413,
        415,
        422,
        503,
    }
    assert all(400 <= answer.status < 500 or answer.status == 503 for answer in day.refusals)


def test_the_paths_on_which_errors_are_logged_were_walked(day: RallyDay) -> None:
    assert {line["event"] for line in day.events["api"]} == {"request-failed"}
    assert {"worker-ready", "job-failed"} <= {line["event"] for line in day.events["worker"]}
