"""Cursors come back as they were given out, or are refused."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.pages import MAX_CURSOR_LETTERS, read_cursor, write_cursor
from backend.core.problems import Problem


class After(msgspec.Struct, frozen=True):
    """A place in a list."""

    starts_at: datetime
    id: UUID


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_continues_where_the_page_ended(starts_at: datetime, id: UUID) -> None:
    position = After(starts_at, id)
    cursor = write_cursor(position)
    assert len(cursor) <= MAX_CURSOR_LETTERS
    assert "=" not in cursor
    assert read_cursor(cursor, After) == position


@given(st.text())
def test_what_no_list_gave_out_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        read_cursor(text, After)
    assert (refusal.value.status, refusal.value.slug) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[]",
        b'{"starts_at":"2024-08-30T10:00:00Z","id":"1"}',
        b'{"starts_at":"yesterday","id":"6f0e0b4e-2f0e-4ad0-8a4a-0a4a5d0c7d0e"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_forged_cursor_is_refused(content: bytes) -> None:
    with pytest.raises(Problem):
        read_cursor(base64.urlsafe_b64encode(content).decode(), After)
