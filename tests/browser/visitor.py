"""Somebody with a phone, in real Chromium: sees what the page shows and notes what it does."""

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE = (360, 740)
DESK = (1280, 800)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--no-default-browser-check", "--metrics-recording-only"),
)
_NOTE_VIOLATIONS = """
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) => {
      window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
    });
"""


def chromium() -> str | None:
    """A Chromium on PATH, or None: then Playwright looks for its own."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Visitor:
    """One page and what was noted about it."""

    page: Page
    context: BrowserContext
    origin: str
    complaints: list[str] = field(default_factory=list[str])
    requests: list[Request] = field(default_factory=list[Request])

    async def open(self, path: str = "/") -> None:
        """Go to an address of ours and wait until the gatherings are there."""
        await self.page.goto(self.origin + path)
        await self.page.locator(".first").wait_for()

    async def text(self, selector: str) -> list[str]:
        """What can be read at each place that fits."""
        return await self.page.locator(selector).all_inner_texts()

    async def violations(self) -> list[str]:
        """What the content security policy stopped."""
        return await self.page.evaluate("window.violations")

    def note_request(self, request: Request) -> None:
        """Keep what the page asked for."""
        self.requests.append(request)

    def note_console(self, message: ConsoleMessage) -> None:
        """Keep what the browser complains about."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def strangers(self) -> set[str]:
        """Other hosts that the page turned to."""
        ours = urlsplit(self.origin).netloc
        asked = {urlsplit(request.url) for request in self.requests}
        return {each.netloc for each in asked if each.scheme != "data" and each.netloc != ours}


async def arrive(
    browser: Browser,
    origin: str,
    now: datetime,
    *,
    language: str = "ko-KR",
    size: tuple[int, int] = PHONE,
    dark: bool = False,
) -> Visitor:
    """Somebody who has not been here before; closes with `visitor.context.close()`.

    Args:
        now: what her phone's clock says; it stands still until the test moves it.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        timezone_id="Asia/Seoul",
        color_scheme="dark" if dark else "light",
        device_scale_factor=2,
    )
    await context.add_init_script(_NOTE_VIOLATIONS)
    page = await context.new_page()
    await page.clock.install(time=now)
    visitor = Visitor(page, context, origin)
    page.on("console", visitor.note_console)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("request", visitor.note_request)
    return visitor
