"""The page for everybody: the next Fridays in two languages, and nobody learns who looked."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from backend.alerts import repository
from tests.browser.conftest import Arrive
from tests.browser.visitor import DESK, PHONE
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser
from tests.support.pools import PoolAs
from tests.support.rally import TEXTS

BUDGET_BYTES = 40_000
SMALLEST_TARGET_PIXELS = 44


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_the_next_fridays_are_listed_in_korean(visit: Arrive, size: tuple[int, int]) -> None:
    visitor = await visit(size=size)
    await visitor.open()
    assert await visitor.page.get_attribute("html", "lang") == "ko"
    assert await visitor.text(".first .time") == ["9월 6일 금요일\n오후 7:00~9:00"]
    assert await visitor.text(".soon") == ["4일 후"]
    days = await visitor.text(".later time")
    assert days == [
        "9월 13일 금요일",
        "9월 20일 금요일",
        "9월 27일 금요일",
        "10월 4일 금요일",
        "10월 11일 금요일",
    ]
    assert visitor.complaints == []


async def test_the_next_fridays_are_listed_in_english(visit: Arrive) -> None:
    visitor = await visit(language="en-US")
    await visitor.open()
    assert await visitor.page.get_attribute("html", "lang") == "en"
    (first,) = await visitor.text(".first .time")
    assert first.replace("\u202f", " ").replace("\u2009", " ") == (
        "Friday, September 6\n7:00 – 9:00 PM"
    )
    assert await visitor.text(".soon") == ["in 4 days"]
    assert (await visitor.text(".later time"))[0] == "Friday, September 13"
    assert visitor.complaints == []


async def test_somebody_abroad_reads_the_time_in_seoul(visit: Arrive, clock: SetClock) -> None:
    clock.forward(days=3, hours=18)
    visitor = await visit(language="en-GB")
    await visitor.open()
    assert await visitor.text(".soon") == ["today"]


async def test_a_gathering_that_goes_on_is_shown_as_such(visit: Arrive, clock: SetClock) -> None:
    clock.forward(days=4, hours=8)
    visitor = await visit()
    await visitor.open()
    assert (await visitor.text(".first h2"))[0] == "지금 진행 중"
    assert await visitor.text(".soon") == []


async def test_the_language_is_switched_without_losing_the_place(visit: Arrive) -> None:
    visitor = await visit()
    await visitor.open()
    loads = len([each for each in visitor.requests if each.is_navigation_request()])
    await visitor.page.get_by_role("link", name="English").click()
    await visitor.page.get_by_text("Next gathering").wait_for()
    await visitor.page.locator(".first h3[lang=en]").wait_for()
    assert await visitor.page.get_attribute("html", "lang") == "en"
    assert visitor.page.url.endswith("/?lang=en")
    assert len([each for each in visitor.requests if each.is_navigation_request()]) == loads
    focused = await visitor.page.evaluate("document.activeElement.textContent")
    assert focused == "English"


async def test_the_page_turns_to_nobody_else_and_leaves_nothing(visit: Arrive) -> None:
    visitor = await visit()
    await visitor.open()
    assert len(visitor.requests) > 5
    assert visitor.strangers() == set()
    assert await visitor.violations() == []
    assert await visitor.context.cookies() == []
    assert await visitor.page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert all("cookie" not in request.headers for request in visitor.requests)


async def test_a_page_that_turned_to_somebody_else_would_be_noticed(visit: Arrive) -> None:
    visitor = await visit()
    await visitor.open()
    await visitor.page.evaluate("fetch('https://third.example/').catch(() => null)")
    assert any("third.example" in each for each in await visitor.violations())
    assert visitor.complaints
    await visitor.page.goto(visitor.origin.replace("127.0.0.1", "localhost"))
    assert {each.partition(":")[0] for each in visitor.strangers()} == {"localhost"}


async def test_text_never_becomes_markup(visit: Arrive) -> None:
    visitor = await visit()
    await visitor.open()
    assert (
        await visitor.page.evaluate(
            "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'drawn'; }"
            " catch (error) { return error.name; } })()"
        )
        == "TypeError"
    )


async def test_an_alert_appears_while_somebody_looks(
    visit: Arrive,
    client: httpx.AsyncClient,
    organiser: MakeOrganiser,
    pool_as: PoolAs,
) -> None:
    visitor = await visit(language="en-US")
    await visitor.open()
    assert await visitor.text(".alerts p") == ["No alerts yet."]

    composer, approver = await organiser(), await organiser()
    listed = await client.get("/v1/occurrences")
    alert, occurrence = uuid4(), listed.json()["items"][0]["id"]
    body = {"occurrence": occurrence, "kind": "change", "texts": TEXTS}
    await client.put(f"/v1/alerts/{alert}", json=body, headers=composer.headers)
    await client.put(f"/v1/alerts/{alert}/approval", headers=approver.headers)
    pool = await pool_as("exit10_worker")
    async with pool.acquire() as connection, connection.transaction():
        taken = await repository.take_approved_alert(connection)
        assert taken is not None
        await repository.start_sending(connection, taken.id)

    await visitor.page.clock.run_for(61_000)
    await visitor.page.locator(".alert").wait_for()
    assert await visitor.text(".alert h3") == [TEXTS["en"]["title"]]
    assert await visitor.text(".alert strong") == ["Change"]


async def test_without_a_connection_the_page_says_how_old_it_is(visit: Arrive) -> None:
    visitor = await visit(language="en-US")
    await visitor.open()
    await visitor.context.set_offline(True)
    await visitor.page.clock.run_for(61_000)
    await visitor.page.locator(".notice").wait_for()
    (notice,) = await visitor.text(".notice")
    assert notice.startswith("No connection. This is what was known at 12:00")
    assert await visitor.text(".first .time")
    await visitor.context.set_offline(False)
    await visitor.page.evaluate("dispatchEvent(new Event('online'))")
    await visitor.page.locator(".notice").wait_for(state="detached")


@pytest.mark.parametrize("zoom", ["100%", "200%"])
@pytest.mark.parametrize("language", ["ko-KR", "en-US"])
async def test_nothing_sticks_out_or_is_too_small_to_hit(
    visit: Arrive, language: str, zoom: str
) -> None:
    visitor = await visit(language=language)
    await visitor.open(f"/#invite={'A' * 43}")
    await visitor.page.evaluate(f"document.documentElement.style.fontSize = '{zoom}'")
    width = await visitor.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE[0]
    for target in await visitor.page.locator("a, button").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= SMALLEST_TARGET_PIXELS


async def test_the_first_load_is_small(visit: Arrive) -> None:
    visitor = await visit()
    await visitor.open()
    files = [each for each in visitor.requests if "/v1/" not in each.url]
    sizes = await asyncio.gather(*(each.sizes() for each in files))
    assert sum(size["responseBodySize"] for size in sizes) <= BUDGET_BYTES


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/main.js", "text/javascript; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ],
)
async def test_a_second_visit_costs_next_to_nothing(
    client: httpx.AsyncClient, path: str, media_type: str
) -> None:
    first = await client.get(path)
    assert first.status_code == 200
    assert first.headers["content-type"] == media_type
    assert first.headers["content-security-policy"].startswith("default-src 'self'")
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/..%2froutes.py", "/assets/routes.py", "/assets/"]
)
async def test_only_the_page_s_own_files_are_given_out(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
