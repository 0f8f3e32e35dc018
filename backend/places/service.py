"""Finds places by name and tells how far they are from each other. Never takes a coordinate."""

from geopy.distance import geodesic
from geopy.location import Location

from backend.core.errors import NotFound
from backend.places.gazetteer import Entry, Gazetteer
from schemas.places import Distance, Place, PlaceDetail


class PlaceService:
    """The places that gatherings may be held at."""

    def __init__(self) -> None:
        self._gazetteer = Gazetteer()
        self._places = {place: _place(entry) for place, entry in self._gazetteer.entries.items()}

    def find(self, place: str) -> Place | None:
        """The place with this id, or None."""
        return self._places.get(place)

    def get(self, place: str) -> Place:
        """The place with this id.

        Raises:
            NotFound: the gazetteer has none.
        """
        found = self.find(place)
        if found is None:
            raise NotFound
        return found

    def search(self, query: str | None) -> list[Place]:
        """Places by name, the likeliest first; all of them when nothing is asked."""
        if query is None:
            return list(self._places.values())
        found = self._gazetteer.geocode(query, exactly_one=False)
        locations = [found] if isinstance(found, Location) else found or []
        return [self._places[location.raw["id"]] for location in locations]

    def detail(self, place: str) -> PlaceDetail:
        """The place with this id and the geodesic distances (WGS 84) to the others.

        Raises:
            NotFound: the gazetteer has none.
        """
        here = self.get(place)
        distances = [
            Distance(id=other.id, metres=metres_between(here, other))
            for other in self._places.values()
            if other.id != here.id
        ]
        return PlaceDetail(
            id=here.id,
            names=here.names,
            latitude=here.latitude,
            longitude=here.longitude,
            approximate=here.approximate,
            nearby=sorted(distances, key=lambda each: (each.metres, each.id)),
        )


def metres_between(one: Place, other: Place) -> int:
    """Length of the geodesic, rounded to 10 metres: the coordinates know no better."""
    length = geodesic((one.latitude, one.longitude), (other.latitude, other.longitude))
    return round(length.meters / 10) * 10


def _place(entry: Entry) -> Place:
    return Place(
        id=entry.id,
        names=entry.names,
        latitude=entry.latitude,
        longitude=entry.longitude,
        approximate=entry.approximate,
    )
