"""Which language a reader gets: her wish, then Korean, then any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.languages import pick, wanted_languages

TEXTS = {"ko": "매주 금요일", "en": "every Friday", "zh-Hant": "每週五"}


@pytest.mark.parametrize(
    ("lang", "accepted", "language"),
    [
        (None, None, "ko"),
        (None, "", "ko"),
        (None, "*", "ko"),
        ("en", "ko", "en"),
        ("fr", "en", "ko"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "fr, en;q=0.5, ko;q=0.9", "ko"),
        (None, "ko;q=0, en", "en"),
        (None, "zh-Hant-TW, en;q=0.1", "en"),
        (None, "zh-Hant", "zh-Hant"),
        (None, "en;q=loud", "ko"),
    ],
)
def test_a_reader_is_answered_in_her_language(
    lang: str | None, accepted: str | None, language: str
) -> None:
    assert pick(TEXTS, wanted_languages(lang, accepted)) == (language, TEXTS[language])


def test_without_korean_any_language_is_better_than_none() -> None:
    assert pick({"ja": "毎週金曜日", "en": "every Friday"}, ()) == ("en", "every Friday")


@given(st.text(), st.none() | st.text(max_size=5))
def test_no_header_is_too_strange(accepted: str, lang: str | None) -> None:
    language, text = pick(TEXTS, wanted_languages(lang, accepted))
    assert TEXTS[language] == text
