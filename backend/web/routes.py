"""Serves the page at `/` and its files from this folder, read once. Never asks who is reading."""

from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.params import FromPath

from backend.core.caching import cacheable
from backend.core.errors import NotFound
from backend.core.guards import PUBLIC

MAX_AGE_SECONDS = 60

_FOLDER = Path(__file__).parent
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_PAGE = (_FOLDER / "index.html").read_bytes()
_ASSETS = {
    path.name: (path.read_bytes(), _MEDIA_TYPES[path.suffix])
    for path in (_FOLDER / "assets").iterdir()
    if path.suffix in _MEDIA_TYPES
}


@get("/", opt=PUBLIC, include_in_schema=False)
async def get_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page for everybody."""
    return cacheable(request, _PAGE, max_age=MAX_AGE_SECONDS, media_type=MediaType.HTML)


@get("/assets/{name:str}", opt=PUBLIC, include_in_schema=False)
async def get_asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One file of the page.

    Raises:
        NotFound: the page has no such file.
    """
    found = _ASSETS.get(name)
    if found is None:
        raise NotFound
    content, media_type = found
    return cacheable(request, content, max_age=MAX_AGE_SECONDS, media_type=media_type)


ROUTES = [get_page, get_asset]
