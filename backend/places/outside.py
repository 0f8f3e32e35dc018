"""How geocoders of geopy reach a server outside: over pyreqwest, and strictly.

Follows no redirect, uses no proxy, reads only so much, and takes no answer of another shape than
the geocoder's own. Sends what an organiser typed and the project's name; nothing about her.
"""

from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from geopy.adapters import AdapterHTTPError, BaseAsyncAdapter
from geopy.exc import GeocoderParseError, GeocoderTimedOut, GeocoderUnavailable
from geopy.geocoders import Nominatim, Photon
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

USER_AGENT = "exit10 (coordinates rallies)"
MOST_READ_BYTES = 262_144
CONNECT_SECONDS = 3.0
OK = 200

Geocoder = Nominatim | Photon


class _NominatimPlace(msgspec.Struct, frozen=True):
    """An item of Nominatim's `format=json`, as far as it is used."""

    lat: str
    lon: str
    display_name: str


class _PhotonName(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str | None = None
    housenumber: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None


class _PhotonGeometry(msgspec.Struct, frozen=True):
    coordinates: tuple[float, float]


class _PhotonPlace(msgspec.Struct, frozen=True):
    """A feature of Photon's GeoJSON, as far as it is used."""

    geometry: _PhotonGeometry
    properties: _PhotonName


class _PhotonPlaces(msgspec.Struct, frozen=True):
    features: list[_PhotonPlace]


class StrictAdapter(BaseAsyncAdapter):
    """Fetches an answer of a known shape."""

    def __init__(self, *, shape: Any, **options: Any) -> None:
        super().__init__(**options)
        self._decoder = msgspec.json.Decoder[Any](shape)
        self._client: Client | None = None

    async def get_json(  # pyright: ignore[reportIncompatibleMethodOverride] - geopy says no types
        self,
        url: str,
        *,
        timeout: float,  # noqa: ASYNC109 - geopy's name
        headers: dict[str, str],
    ) -> Any:
        """The answer in plain dicts and lists, as geopy reads it.

        Raises:
            GeocoderParseError: it is none of the geocoder's.
            AdapterHTTPError, GeocoderTimedOut, GeocoderUnavailable: there was none.
        """
        text = await self.get_text(url, timeout=timeout, headers=headers)
        try:
            return msgspec.to_builtins(self._decoder.decode(text))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise GeocoderParseError("not an answer of this geocoder") from None

    async def get_text(  # pyright: ignore[reportIncompatibleMethodOverride] - geopy says no types
        self,
        url: str,
        *,
        timeout: float,  # noqa: ASYNC109 - geopy's name
        headers: dict[str, str],
    ) -> str:
        """The answer's text; see `get_json`."""
        client = self._client = self._client or _client()
        request = (
            client.get(url).headers(headers).timeout(timedelta(seconds=timeout)).build_streamed()
        )
        try:
            async with request as response:
                if response.status != OK:
                    raise AdapterHTTPError(
                        "refused", status_code=response.status, headers={}, text=""
                    )
                body = bytearray()
                while chunk := await response.body_reader.read(65_536):
                    body += chunk
                    if len(body) > MOST_READ_BYTES:
                        raise GeocoderParseError("too long an answer")
                return bytes(body).decode("utf-8", "replace")
        except RequestTimeoutError:
            raise GeocoderTimedOut("silent") from None
        except (PyreqwestError, OSError):
            raise GeocoderUnavailable("away") from None

    async def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


_KINDS: dict[str, tuple[type[Geocoder], Any]] = {
    "nominatim": (Nominatim, list[_NominatimPlace]),
    "photon": (Photon, _PhotonPlaces),
}


def geocoder(kind: str, url: str, timeout_seconds: float) -> Geocoder:
    """Nominatim or Photon at an address, with a path if it has one.

    Raises:
        LookupError: there is no such kind.
    """
    parts = urlsplit(url)
    make, shape = _KINDS[kind]

    def adapter(**options: Any) -> StrictAdapter:
        return StrictAdapter(shape=shape, **options)

    return make(
        scheme=parts.scheme,
        domain=f"{parts.netloc}{parts.path}",
        user_agent=USER_AGENT,
        timeout=cast("Any", timeout_seconds),
        adapter_factory=adapter,
    )


def _client() -> Client:
    return (
        ClientBuilder()
        .follow_redirects(False)
        .no_proxy()
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .max_connections(1)
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .build()
    )
