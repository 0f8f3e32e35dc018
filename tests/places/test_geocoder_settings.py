"""A geocoder outside is asked only when the operator says which, and where."""

import pytest

from backend.settings import Settings, SettingsError

RIGHT = {
    "EXIT10_DATABASE_URL": "postgresql:///exit10",
    "EXIT10_REDIS_URL": "redis://127.0.0.1/0",
    "EXIT10_TOKEN_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
}


def settings(**more: str) -> Settings:
    return Settings.from_environment(RIGHT | more)


def test_none_is_asked_by_default() -> None:
    assert (settings().geocoder, settings().geocoder_url) == (None, None)
    alone = settings(EXIT10_GEOCODER_URL="https://geocoder.example")
    assert (alone.geocoder, alone.geocoder_url) == (None, None)


@pytest.mark.parametrize("kind", ["nominatim", "photon"])
@pytest.mark.parametrize(
    "url", ["https://geocoder.example", "https://geocoder.example/osm", "http://127.0.0.1:8080"]
)
def test_one_is_named_with_its_address(kind: str, url: str) -> None:
    told = settings(EXIT10_GEOCODER=kind, EXIT10_GEOCODER_URL=url)
    assert (told.geocoder, told.geocoder_url) == (kind, url)


def test_another_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="EXIT10_GEOCODER must be one of nominatim, photon"):
        settings(EXIT10_GEOCODER="google", EXIT10_GEOCODER_URL="https://geocoder.example")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "geocoder.example",
        "http://geocoder.example",
        "https://her:hunter2@geocoder.example",
        "https://geocoder.example/?key=hunter2",
    ],
)
def test_an_address_that_tells_too_much_or_nothing_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="EXIT10_GEOCODER_URL") as refusal:
        settings(EXIT10_GEOCODER="photon", EXIT10_GEOCODER_URL=url)
    assert "hunter2" not in str(refusal.value)
