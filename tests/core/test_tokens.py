"""Capability tokens: 32 bytes, one spelling on the wire, digests that fit one door only."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from backend.core.tokens import TOKEN_LETTERS, Purpose, digest, new_token, parse_token, row_id
from backend.settings import Secret

tokens = st.binary(min_size=32, max_size=32)
keys = st.binary(min_size=32, max_size=32).map(Secret)


def written(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


@given(tokens)
def test_a_token_survives_the_wire(token: bytes) -> None:
    assert parse_token(written(token)) == token


@given(st.text(max_size=60))
def test_what_is_no_token_is_none(text: str) -> None:
    parsed = parse_token(text)
    assert parsed is None or len(parsed) == 32


@given(tokens, st.sampled_from("\n =+/.\u0000é가"), st.integers(0, TOKEN_LETTERS))
def test_a_letter_that_does_not_belong_makes_it_no_token(
    token: bytes, letter: str, place: int
) -> None:
    text = written(token)
    assert parse_token(text[:place] + letter + text[place:]) is None
    assert parse_token(text[:place] + letter + text[place + 1 :]) is None


def test_new_tokens_are_tokens_and_differ() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(parse_token(token) for token in made)


@given(keys, tokens)
def test_bad_input_33_a_token_of_one_purpose_is_nothing_at_another_door(
    key: Secret, token: bytes
) -> None:
    digests = {digest(key, purpose, token) for purpose in Purpose}
    assert len(digests) == len(Purpose)
    assert all(len(each) == 32 and token not in each for each in digests)


@given(keys, keys, tokens)
def test_digests_of_another_installation_are_nothing_here(
    key: Secret, other: Secret, token: bytes
) -> None:
    same = key.reveal() == other.reveal()
    ours, theirs = (digest(each, Purpose.ACCESS, token) for each in (key, other))
    assert (ours == theirs) == same


@given(keys, tokens)
def test_a_row_is_found_by_half_of_its_digest(key: Secret, token: bytes) -> None:
    made = digest(key, Purpose.SUBSCRIPTION, token)
    assert row_id(made).bytes == made[:16]
