"""Writes the Atom feed (RFC 4287) of gatherings and of alerts that went out.

The same entries give the same bytes. Entries keep their id for good, and nothing in a feed tells
one reader from another.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5
from xml.etree import ElementTree as ET

import msgspec

from schemas.places import Place

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
NAMESPACES = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:ev": "http://purl.org/rss/1.0/modules/event/",
    "xmlns:georss": "http://www.georss.org/georss",
}
"""Atom, with when and where in words that feed readers know. Readers of Atom alone pass over them
(RFC 4287 section 6.3).
"""

NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)


class Gathering(msgspec.Struct, frozen=True, kw_only=True):
    """When and where. Instants with the offset of the series' zone."""

    starts_at: datetime
    ends_at: datetime
    place: Place
    calendar: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: a gathering was published, changed or cancelled, or an alert went
    out. `terms` say which, for programs.
    """

    id: UUID
    updated: datetime
    language: str
    title: str
    text: str
    url: str
    terms: tuple[str, ...]
    gathering: Gathering | None = None


def write_feed(
    entries: Sequence[Entry], *, title: str, origin: str, here: str, following: str | None
) -> bytes:
    """One page of the feed (RFC 5005 section 3).

    Args:
        here: the address of this page.
        following: the address of the page with earlier entries, None on the last.
    """
    feed = ET.Element("feed", NAMESPACES)
    _add(feed, "id", uuid5(NAMESPACE_URL, f"{origin}/v1/feed.atom").urn)
    _add(feed, "title", title)
    _add(feed, "updated", _rfc3339(max((each.updated for each in entries), default=NOTHING_YET)))
    _add(_add(feed, "author"), "name", title)
    _link(feed, "alternate", f"{origin}/", "text/html")
    _link(feed, "self", here, "application/atom+xml")
    if following is not None:
        _link(feed, "next", following, "application/atom+xml")
    for each in entries:
        _add_entry(feed, each)
    return ET.tostring(feed, encoding="utf-8", xml_declaration=True)


def _add_entry(feed: ET.Element, told: Entry) -> None:
    entry = _add(feed, "entry")
    entry.set("xml:lang", told.language)
    _add(entry, "id", told.id.urn)
    _add(entry, "title", told.title)
    _add(entry, "updated", _rfc3339(told.updated))
    _link(entry, "alternate", told.url, "text/html")
    for term in told.terms:
        _add(entry, "category").set("term", term)
    if (gathering := told.gathering) is not None:
        _link(entry, "related", gathering.calendar, "text/calendar")
        _add(entry, "ev:startdate", gathering.starts_at.isoformat())
        _add(entry, "ev:enddate", gathering.ends_at.isoformat())
        _add(entry, "georss:point", f"{gathering.place.latitude} {gathering.place.longitude}")
    _add(entry, "content", told.text).set("type", "text")


def _add(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element


def _link(parent: ET.Element, relation: str, href: str, media_type: str) -> None:
    ET.SubElement(parent, "link", {"rel": relation, "type": media_type, "href": href})


def _rfc3339(at: datetime) -> str:
    """To the second, in UTC (RFC 4287 section 3.3)."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
