"""Picks the language of an answer: `?lang=` first, then Accept-Language, then Korean, then any."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

FIRST_LANGUAGE = "ko"
Text = TypeVar("Text")


def wanted_languages(lang: str | None, accept_language: str | None) -> tuple[str, ...]:
    """Languages in the order of the reader's wish (RFC 9110 section 12.5.4)."""
    if lang:
        return (lang,)
    weighted: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept_language or "").split(",")[:10]):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag and tag != "*" and weight > 0:
            weighted.append((-weight, place, tag))
    return tuple(tag for _, _, tag in sorted(weighted))


def pick(texts: Mapping[str, Text], wanted: Iterable[str]) -> tuple[str, Text]:
    """The language and text that suit best. `texts` must not be empty."""
    for tag in wanted:
        for candidate in (tag, tag.split("-")[0]):
            if candidate in texts:
                return candidate, texts[candidate]
    language = FIRST_LANGUAGE if FIRST_LANGUAGE in texts else min(texts)
    return language, texts[language]
