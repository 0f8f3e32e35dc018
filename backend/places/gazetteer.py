"""The gazetteer that ships with the house, as a geocoder of geopy that never uses a network.

It knows places by name. It cannot be asked what is near a coordinate, so nobody can tell it where
they are.
"""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import msgspec
from geopy.adapters import BaseSyncAdapter
from geopy.exc import GeocoderUnavailable
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from schemas.places import Place

LIKE_ENOUGH = 0.75
"""From here on two spellings are taken for one name."""


class Entry(Place, frozen=True):
    """A place and the further names that people look for it by."""

    aliases: tuple[str, ...] = ()


class NoNetwork(BaseSyncAdapter):
    """The adapter of a geocoder that has everything with it."""

    def get_json(self, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise GeocoderUnavailable("the gazetteer uses no network")

    get_text = get_json


class Gazetteer(Geocoder):
    """Geocodes names in Korean, English and the usual romanisations, typing errors included."""

    def __init__(self) -> None:
        super().__init__(adapter_factory=NoNetwork)
        text = Path(__file__).with_name("gazetteer.json").read_bytes()
        self.entries = {
            entry.id: entry for entry in msgspec.json.decode(text, type=list[Entry], strict=True)
        }
        self._names = [
            (entry.id, _letters(name))
            for entry in self.entries.values()
            for name in (*entry.names.values(), *entry.aliases)
        ]

    def geocode(
        self, query: str, *, exactly_one: bool = True, **_: object
    ) -> Location | list[Location] | None:
        """The place that is called `query`, or all that might be, the likeliest first.

        What other geocoders take besides (`timeout`) is accepted and not needed.

        Returns:
            Locations whose `raw` holds the place's `id`; None when no place has such a name.
        """
        wanted = _letters(query)
        scores: dict[str, float] = {}
        for place, name in self._names:
            scores[place] = max(scores.get(place, 0.0), _likeness(wanted, name))
        found = sorted(
            (place for place, score in scores.items() if score >= LIKE_ENOUGH),
            key=lambda place: -scores[place],
        )
        if not found:
            return None
        locations = [self._location(place) for place in found]
        return locations[0] if exactly_one else locations

    def _location(self, place: str) -> Location:
        entry = self.entries[place]
        return Location(entry.names["en"], (entry.latitude, entry.longitude), {"id": place})


def _likeness(wanted: tuple[str, ...], name: tuple[str, ...]) -> float:
    """From 0 to 1: how well a name, or one word of it, answers to what was typed."""
    typed, whole = "".join(wanted), "".join(name)
    if not typed:
        return 0.0
    if typed == whole:
        return 1.0
    if typed in whole and len(typed) > 1:
        return 0.95 if whole.startswith(typed) else 0.9
    return max(0.85 * _ratio(typed, each) + 0.05 for each in {whole, whole[: len(typed)], *name})


def _ratio(typed: str, word: str) -> float:
    return SequenceMatcher(None, typed, word, autojunk=False).ratio()


_WORD = re.compile(r"[^\W_]+")
_ROMANISATIONS = (
    ("ch", "j"),
    ("eo", "o"),
    ("eu", "u"),
    ("oo", "u"),
    ("ee", "i"),
    ("k", "g"),
    ("t", "d"),
    ("p", "b"),
    ("r", "l"),
)


@lru_cache(maxsize=1024)
def _letters(text: str) -> tuple[str, ...]:
    """The words of `text` as they are compared.

    Hangul falls apart into its letters, so that one wrong letter does not spoil a syllable;
    spellings of McCune-Reischauer and the revised romanisation fall together.
    """
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if unicodedata.category(letter) != "Mn"
    )
    for spelling, other in _ROMANISATIONS:
        plain = plain.replace(spelling, other)
    return tuple(_WORD.findall(plain))
