"""The gazetteer that ships with the house, as a geocoder of geopy that never uses a network.

It knows places by name. It cannot be asked what is near a coordinate, so nobody can tell it where
they are.
"""

from pathlib import Path
from typing import NoReturn

import msgspec
from geopy.adapters import BaseSyncAdapter
from geopy.exc import GeocoderUnavailable
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from backend.places.names import likeness, name, typed
from schemas.places import Place

LIKE_ENOUGH = 0.74
"""From here on two spellings are taken for one name: between the slips and the other places that
the tests list."""


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
            (entry.id, name(text))
            for entry in self.entries.values()
            for text in (*entry.names.values(), *entry.aliases)
        ]

    def geocode(
        self, query: str, *, exactly_one: bool = True, **_: object
    ) -> Location | list[Location] | None:
        """The place that is called `query`, or all that might be, the likeliest first.

        What other geocoders take besides (`timeout`) is accepted and not needed.

        Returns:
            Locations whose `raw` holds the place's `id`; None when no place has such a name.
        """
        wanted = typed(query)
        scores: dict[str, float] = {}
        for place, known in self._names:
            scores[place] = max(scores.get(place, 0.0), likeness(wanted, known))
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
