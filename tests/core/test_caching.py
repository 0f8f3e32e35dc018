"""Entity tags and 304s, as RFC 9110 has them, on a list that every phone asks for."""

import httpx
import pytest

from backend.core.caching import entity_tag, matches

TAG = entity_tag(b"the list of Fridays")


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"another", {TAG}', True),
        (f'"another",W/{TAG}', True),
        ('"another"', False),
        (TAG.strip('"'), False),
    ],
)
def test_a_condition_is_met_when_it_names_the_tag(condition: str | None, met: bool) -> None:
    assert matches(condition, TAG) is met


def test_a_tag_follows_the_bytes_alone() -> None:
    assert entity_tag(b"the list of Fridays") == TAG
    assert entity_tag(b"the list of Saturdays") != TAG


async def test_a_phone_that_has_the_list_downloads_nothing(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/places")
    assert first.status_code == 200
    assert first.headers["cache-control"].startswith("public, max-age=")
    tag = first.headers["etag"]
    again = await client.get("/v1/places", headers={"If-None-Match": f'"old", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["cache-control"] == first.headers["cache-control"]
    changed = await client.get("/v1/places", headers={"If-None-Match": '"old"'})
    assert (changed.status_code, changed.content) == (200, first.content)
