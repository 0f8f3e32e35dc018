"""Takes the pictures of README.md: `pytest tests/browser/pictures.py`. No part of the tests."""

import pytest

from tests.architecture.house import ROOT
from tests.browser.conftest import Arrive

FOLDER = ROOT / "infra" / "docs" / "pictures"


@pytest.mark.parametrize(
    ("name", "language", "dark"),
    [("page-ko-light", "ko-KR", False), ("page-en-dark", "en-US", True)],
)
async def test_picture(visit: Arrive, name: str, language: str, *, dark: bool) -> None:
    visitor = await visit(language=language, dark=dark)
    await visitor.open()
    await visitor.page.screenshot(path=FOLDER / f"{name}.png")
