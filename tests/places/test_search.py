"""Places are found as people type them; how often is counted, not hoped."""

import re
import string
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.places.names import likeness, name, typed
from backend.places.service import PlaceService
from schemas.places import Place
from tests.places.misspellings import ELSEWHERE, EXIT_10, TYPED

PLACES = PlaceService()
FIRST, SYLLABLES = ord("가"), 11172
PARTS = (588, 28, 1)
"""How far apart in Unicode syllables lie that differ by one in their initial, medial or final."""


def answers(text: str) -> list[str]:
    return [place.id for place in PLACES.search(text)]


@pytest.mark.parametrize("slip", TYPED)
def test_nine_in_ten_find_their_place_first_whatever_the_slip(slip: str) -> None:
    missed = {typed for typed, place in TYPED[slip].items() if answers(typed)[:1] != [place]}
    assert len(missed) <= len(TYPED[slip]) / 10, missed


def test_of_all_slips_at_most_four_in_a_hundred_are_not_forgiven() -> None:
    typed = {typed: place for slips in TYPED.values() for typed, place in slips.items()}
    missed = {typed for typed, place in typed.items() if answers(typed)[:1] != [place]}
    assert len(typed) > 120
    assert len(missed) <= 0.04 * len(typed), missed


@pytest.mark.parametrize("kind", ["names and parts of names", "another romanisation"])
def test_what_is_no_slip_is_always_found(kind: str) -> None:
    assert {typed for typed, place in TYPED[kind].items() if answers(typed)[:1] != [place]} == set()


@pytest.mark.parametrize("typed", ELSEWHERE)
def test_a_place_that_the_gazetteer_does_not_know_is_not_guessed(typed: str) -> None:
    assert answers(typed) == []


@pytest.mark.parametrize("typed", ["강남역 11번 출구", "Gangnam Station, Exit 1", "exit 3"])
def test_another_exit_is_another_place(typed: str) -> None:
    assert EXIT_10 not in answers(typed)


def test_each_place_is_found_first_by_each_of_its_names() -> None:
    for place in PLACES.search(None):
        for known in place.names.values():
            assert answers(known)[0] == place.id


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def left_out(known: str) -> Iterator[str]:
    yield from (known[:spot] + known[spot + 1 :] for spot in range(len(known)))


def doubled(known: str) -> Iterator[str]:
    yield from (known[:spot] + known[spot] + known[spot:] for spot in range(len(known)))


def exchanged(known: str) -> Iterator[str]:
    for spot in range(len(known) - 1):
        yield known[:spot] + known[spot + 1] + known[spot] + known[spot + 2 :]


def another_letter(known: str) -> Iterator[str]:
    """A wrong letter at each spot: another Latin one, or another part of a syllable."""
    for spot, letter in enumerate(known):
        if letter in string.ascii_letters:
            wrong = ["q" if letter != "q" else "x"]
        elif "가" <= letter <= "힣":
            at = ord(letter) - FIRST
            wrong = [chr(FIRST + (at + part) % SYLLABLES) for part in PARTS]
        else:
            wrong = []
        yield from (known[:spot] + each + known[spot + 1 :] for each in wrong)


@pytest.mark.parametrize("slips", [left_out, doubled, exchanged, another_letter])
def test_nearly_every_single_slip_in_a_whole_name_is_forgiven(
    slips: Callable[[str], Iterator[str]],
) -> None:
    tried = [
        (typed, place)
        for place in PLACES.search(None)
        for known in place.names.values()
        for typed in slips(known)
        if numbers(known) == numbers(typed)
    ]
    found = sum(answers(typed)[:1] == [place.id] for typed, place in tried)
    assert len(tried) > 100
    assert found / len(tried) >= 0.97, f"{found} of {len(tried)}"


@given(st.text(max_size=80))
def test_no_text_upsets_the_search(typed: str) -> None:
    assert all(isinstance(place, Place) for place in PLACES.search(typed))


@given(st.text(max_size=30), st.text(max_size=30))
def test_likeness_lies_between_nothing_and_the_same(text: str, known: str) -> None:
    assert 0 <= likeness(typed(text), name(known)) <= 1


@given(st.text(st.characters(categories=["Ll", "Lo"]), min_size=2, max_size=20))
def test_a_name_is_like_itself_or_nothing_but_first_letters(known: str) -> None:
    wanted = typed(known)
    assert wanted.only_initials or not wanted.spelling or likeness(wanted, name(known)) == 1
