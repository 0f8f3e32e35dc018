"""Servers that speak as Nominatim and Photon do, on this machine, and servers that fail."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOMINATIM: list[dict[str, Any]] = [
    {
        "place_id": 1,
        "licence": "Data © OpenStreetMap contributors, ODbL 1.0.",
        "osm_type": "node",
        "osm_id": 2,
        "lat": "37.4981234",
        "lon": "127.0281",
        "class": "shop",
        "type": "bakery",
        "place_rank": 30,
        "importance": 0.1,
        "addresstype": "shop",
        "name": "뉴욕제과",
        "display_name": "뉴욕제과, 강남대로, 서초구, 서울",
        "boundingbox": ["37.49", "37.50", "127.02", "127.03"],
    },
    {"lat": "37.5", "lon": "127.0", "display_name": "강남\u202e역"},
]
PHOTON: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [127.0281, 37.4981234]},
            "properties": {
                "osm_id": 2,
                "osm_key": "shop",
                "type": "house",
                "name": "뉴욕제과",
                "street": "강남대로",
                "city": "서울",
                "country": "대한민국",
                "countrycode": "KR",
                "extent": [127.02, 37.50, 127.03, 37.49],
            },
        }
    ],
}


class Asked:
    """What a server was sent: one entry for each request."""

    def __init__(self) -> None:
        self.queries: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.instants: list[float] = []


class LocalGeocoder:
    """A server whose every answer is the same: bytes of HTTP, or silence when there are none."""

    def __init__(self, answer: bytes) -> None:
        self.asked = Asked()
        self.url = ""
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, note it, and answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        target = urlsplit(head[0].split(" ")[1])
        self.asked.instants.append(asyncio.get_running_loop().time())
        self.asked.paths.append(target.path)
        self.asked.queries.append(parse_qs(target.query))
        fields = (each.split(": ", 1) for each in head[1:] if each)
        self.asked.headers.append({name.lower(): value for name, value in fields})
        if self._answer:
            writer.write(self._answer)
            await writer.drain()
        else:
            await reader.read()
        writer.close()


def http(body: object, status: str = "200 OK", *fields: str) -> bytes:
    """An answer over HTTP/1.1; what is no bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", "Connection: close", *fields]
    return "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content


@asynccontextmanager
async def local_geocoder(answer: bytes, path: str = "") -> AsyncGenerator[LocalGeocoder]:
    """A geocoder at an address of its own, below `path`."""
    geocoder = LocalGeocoder(answer)
    server = await asyncio.start_server(geocoder.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    geocoder.url = f"http://127.0.0.1:{port}{path}"
    try:
        yield geocoder
    finally:
        server.close()
