"""The owner's page in a real browser, with everything behind the door made up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_reach import CONTRASTS, NAMELESS
from tests.system import free_ports
from tests.web.guarded import FakeKeys
from tests.web.owner import Observatory, live_turn, made_up
from web.config import GuardRules, WebConfig
from web.principals import Principal
from web.server import create_app

pytestmark = pytest.mark.browser

KEY = "ll_owner"
LAYOUT = """() => {
    const wide = document.documentElement.scrollWidth <= innerWidth;
    const out = [...document.querySelectorAll("main *, header *")].filter((each) => {
        const box = each.getBoundingClientRect();
        const leaves = box.width && (box.left < -1 || box.right > innerWidth + 1);
        return leaves && each.checkVisibility() && !each.closest(".unseen, details");
    });
    return wide ? out.map((each) => each.outerHTML.slice(0, 120)) : ["the page"];
}"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Owned:
    """A door with an owner's page; `locked` asks for `KEY`."""

    url: str
    observatory: Observatory
    locked: bool = False


@pytest.fixture
async def owned(tmp_path: Path) -> AsyncIterator[Owned]:
    [port] = free_ports(1)
    admin = made_up(tmp_path / "uploads")
    system = Owned(f"http://127.0.0.1:{port}/admin", admin.observatory)  # type: ignore[arg-type]

    @web.middleware
    async def with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
        if system.locked:
            return await handler(request)
        return await handler(request.clone(headers={**request.headers, "Authorization": f"Bearer {KEY}"}))

    async def starter() -> str:
        return "starter"

    config = WebConfig(host="127.0.0.1", port=port, livekit_url="ws://127.0.0.1:1", api_key="key",
        api_secret="a-secret-of-at-least-32-characters", agent_name="nobody", max_calls=1, models_tier=starter,
        admin=admin,
        guard=GuardRules(keys=FakeKeys({KEY: Principal("owner", frozenset({"admin"}))})))  # fmt: skip
    app = create_app(config)
    app.middlewares.insert(0, with_key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield system
    await runner.cleanup()


async def go_to(page: Page, view: str) -> None:
    await page.get_by_role("navigation").get_by_role("link", name=view).click()
    await expect(page.get_by_role("heading", name=view, level=2)).to_be_focused()


async def test_running_calls_show_their_waterfalls(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)
    call = page.locator("#calls > li").filter(has_text="call-abc")
    await expect(call).to_contain_text("2 turns")
    await call.locator("summary").first.click()
    await expect(call.locator(".turn li").first).to_be_visible()
    owned.observatory.extra_turns.append(live_turn(1_700_000_060.0))
    await expect(call).to_contain_text("3 turns")
    await expect(call.locator("details[open]")).to_have_count(1)  # news close nothing
    over_http = page.locator("#calls > li").filter(has_text="conv-over-http")
    await expect(over_http).to_contain_text("over HTTP · last asked")
    await expect(over_http.locator("summary")).to_contain_text("First word after 0.10 s")
    await over_http.locator("summary").click()
    await expect(over_http.locator(".turn li").last).to_contain_text("last word")
    await expect(page.locator("#models")).to_contain_text("voice.onnx cannot be read")


async def test_charts_say_in_words_what_they_draw(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)
    for chart in ("#latency", "#errors"):
        label = await page.locator(f"{chart} svg").get_attribute("aria-label")
        assert label and any(character.isdigit() for character in label)
        await page.locator(f"{chart} summary").click()
        assert await page.locator(f"{chart} tbody tr").count() > 5
    assert await page.locator("#latency .mark").count() > 50
    await page.locator("#latency-title").evaluate("(title) => title.scrollIntoView()")


async def test_a_conversation_shows_what_was_heard_and_on_what_it_rests(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(f"{owned.url}#conversations")
    rows = page.locator("#conversation-list button")
    await expect(rows).to_have_count(30)
    await page.get_by_role("button", name="Show older ones").click()
    await expect(rows).to_have_count(40)
    await rows.first.click()
    await expect(page.locator("#conversation-title")).to_be_focused()
    turn = page.locator("#turns > li").first
    await expect(turn).to_contain_text("Breakfast is served from seven. …")
    await turn.get_by_text("1 source").click()
    await expect(turn.locator("blockquote")).to_contain_text("garden room")
    await turn.get_by_text("Interrupted").click()
    await expect(turn).to_contain_text("it goes on until noon")


async def test_a_document_is_uploaded_searched_and_removed(owned: Owned, open_page: OpenPage, tmp_path: Path) -> None:
    menu, broken, large = tmp_path / "menu.md", tmp_path / "broken.txt", tmp_path / "large.md"
    menu.write_text("# Menu")
    broken.write_text("broken")
    large.write_bytes(bytes(3_000_000))
    page = await open_page(f"{owned.url}#documents")
    await expect(page.locator("#library li")).to_have_count(2)
    await page.get_by_label("Add documents").set_input_files([menu, broken, large])
    uploads = page.locator("#uploads")
    await expect(uploads.locator("li").filter(has_text="menu.md")).to_contain_text("Added · 2 parts")
    await expect(uploads.locator("li").filter(has_text="broken.txt")).to_contain_text("There is no text in it.")
    await expect(uploads.locator("li").filter(has_text="large.md")).to_contain_text("larger than 2 MB")
    await expect(page.locator("#library li")).to_have_count(3)
    await page.get_by_label("A caller's question").fill("when is breakfast")
    await page.keyboard.press("Enter")
    await expect(page.locator("#passages")).to_contain_text("page 3")
    await page.get_by_label("Only this title").fill("House rules")
    await page.keyboard.press("Enter")
    await expect(page.locator("#search-outcome")).to_have_text("Nothing fits this question.")
    await page.get_by_label("Only this title").fill("Breakfast")
    await page.get_by_label("Only this source").fill("breakfast.md")
    await page.keyboard.press("Enter")
    await expect(page.locator("#passages")).to_contain_text("page 3")
    await page.get_by_role("button", name="Remove menu").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(page.locator("#library li")).to_have_count(2)


async def test_a_removal_can_be_thought_better_of(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(f"{owned.url}#documents")
    await page.get_by_role("button", name="Remove Breakfast").click()
    await expect(page.locator("#remove-what")).to_contain_text("the next ingest of its folder puts it in again")
    await page.keyboard.press("Escape")
    await expect(page.locator("#library li")).to_have_count(2)


async def test_a_locked_page_asks_for_the_key_until_it_fits(owned: Owned, open_page: OpenPage) -> None:
    owned.locked = True
    page = await open_page(owned.url)
    await page.locator("#key").fill("ll_wrong")
    await page.keyboard.press("Enter")
    await expect(page.locator("#key-trouble")).to_have_text("This API key is unknown, expired or revoked.")
    await page.locator("#key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.locator("#calls > li")).to_have_count(3)
    await page.reload()
    await expect(page.locator("#calls > li")).to_have_count(3)
    assert await page.evaluate("localStorage.length") == 0
    await page.get_by_role("button", name="Forget key").click()
    await expect(page.locator("#key-dialog")).to_be_visible()


async def test_an_engine_that_is_away_is_said_and_taken_back(owned: Owned, open_page: OpenPage) -> None:
    owned.observatory.is_away = True
    page = await open_page(owned.url)
    await expect(page.get_by_role("alert").first).to_have_text("The engine isn't answering.")
    owned.observatory.is_away = False
    await expect(page.locator("#trouble")).to_be_hidden()
    await expect(page.locator("#calls > li")).to_have_count(3)


async def test_no_key_is_no_way_past_the_question_for_it(owned: Owned, open_page: OpenPage) -> None:
    owned.locked = True
    page = await open_page(owned.url)
    await expect(page.locator("#key-dialog")).to_be_visible()
    for _ in range(3):
        await page.keyboard.press("Escape")
    await page.locator("#key").fill(KEY, timeout=5000)
    await page.keyboard.press("Enter")
    await expect(page.locator("#calls > li")).to_have_count(3)


async def test_an_answer_that_breaks_off_is_said_and_news_go_on(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)
    await expect(page.locator("#calls > li")).to_have_count(3)
    await page.route("**/admin/api/now", lambda route: route.fulfill(status=200, body="<h1>Please log in</h1>"))
    await expect(page.locator("#trouble")).to_contain_text("broke off")
    await page.unroute("**/admin/api/now")
    owned.observatory.extra_turns.append(live_turn(1_700_000_060.0))
    await expect(page.locator("#calls > li").first).to_contain_text("3 turns", timeout=10_000)
    await expect(page.locator("#trouble")).to_be_hidden()


async def test_who_reads_a_charts_table_stays_where_they_are(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)
    fold, summary = page.locator("#latency details"), page.locator("#latency summary")
    await summary.click()
    await fold.evaluate("(details) => details.scrollTo(0, 200)")
    await summary.evaluate("(summary) => summary.focus({ preventScroll: true })")
    async with page.expect_response("**/admin/api/now"):
        pass
    async with page.expect_response("**/admin/api/now"):  # what the former one brought is drawn
        pass
    assert await fold.evaluate("(details) => details.scrollTop") == 200
    await expect(summary).to_be_focused()


async def test_more_files_than_the_door_takes_at_once_wait_for_their_turn(
    owned: Owned, open_page: OpenPage, tmp_path: Path
) -> None:
    files = [tmp_path / f"menu-{number}.md" for number in range(4)]
    for file in files:
        file.write_text("# Menu")
    page = await open_page(f"{owned.url}#documents")
    await expect(page.locator("#library li")).to_have_count(2)
    refusals = 2

    async def busy(route: Route) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals < 0:
            await route.fallback()
        else:
            body = {"error": {"code": "too_many_requests", "message": "Other documents are still being read."}}
            await route.fulfill(status=429, headers={"Retry-After": "1"}, json=body)

    await page.route("**/admin/api/documents/menu-2.md", busy)
    await page.get_by_label("Add documents").set_input_files(files)
    uploads = page.locator("#uploads li")
    await expect(uploads.filter(has_text="menu-3.md")).to_contain_text("Waits to be sent")
    await expect(page.locator("#library li")).to_have_count(6)
    await expect(uploads.filter(has_text="Added")).to_have_count(4)
    await expect(page.get_by_text("Other documents are still being read.")).to_have_count(0)


async def test_news_of_uploads_take_nobody_out_of_the_list(owned: Owned, open_page: OpenPage, tmp_path: Path) -> None:
    page = await open_page(f"{owned.url}#documents")
    remove = page.get_by_role("button", name="Remove House rules")
    await remove.focus()
    async with page.expect_response("**/admin/api/documents"):
        await page.evaluate("""() => {
            const files = new DataTransfer();
            files.items.add(new File(["# Menu"], "menu.md"));
            const input = document.getElementById("files");
            input.files = files.files;
            input.dispatchEvent(new Event("change"));
        }""")
    await expect(page.locator("#library li")).to_have_count(3)
    await expect(remove).to_be_focused()


async def test_answers_that_come_late_are_not_listed_twice(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.fallback()

    await page.route("**/admin/api/conversations", slowly)
    for view in ("conversations", "now", "conversations"):
        await page.evaluate("(view) => { location.hash = view }", view)
    rows = page.locator("#conversation-list button")
    await expect(rows).to_have_count(30)
    await asyncio.sleep(0.5)
    await expect(rows).to_have_count(30)


async def test_what_was_refused_far_down_the_page_is_said_in_sight(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(f"{owned.url}#documents", viewport={"width": 320, "height": 480})
    await page.route("**/admin/api/documents/d2", lambda route: route.fulfill(status=503, json={}))
    await page.get_by_role("button", name="Remove House rules").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(page.locator("#trouble")).to_have_text("The door answered 503.")
    await expect(page.locator("#trouble")).to_be_in_viewport(ratio=1, timeout=5000)


async def test_the_whole_page_can_be_walked_by_keyboard(owned: Owned, open_page: OpenPage) -> None:
    page = await open_page(owned.url)
    await expect(page.locator("#calls > li")).to_have_count(3)
    for name in ("Now", "Conversations"):
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name=name)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Conversations")).to_be_focused()
    await expect(page.locator("#conversation-list button")).to_have_count(30)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#conversation-title")).to_be_focused()


async def opened(page: Page, view: str) -> None:
    """A view with everything in it unfolded."""
    await page.goto(page.url.split("#")[0] + f"#{view}")
    match view:
        case "now":
            await expect(page.locator("#calls > li")).to_have_count(3)
            await page.locator("#calls summary").first.click()
        case "conversations":
            await page.locator("#conversation-list button").first.click()
            for summary in await page.locator("#turns summary").all():
                await summary.click()
        case _:
            await page.get_by_label("A caller's question").fill("when is breakfast")
            await page.keyboard.press("Enter")
            await page.locator("#passages li").wait_for()


@pytest.mark.parametrize("view", ["now", "conversations", "documents"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 390)])
async def test_every_view_is_legible_and_fits(
    owned: Owned, open_page: OpenPage, view: str, scheme: str, width: int
) -> None:
    page = await open_page(owned.url, color_scheme=scheme, viewport={"width": width, "height": 900})
    await opened(page, view)
    await asyncio.sleep(0.3)  # charts follow the page's width
    assert [found for found in await page.evaluate(CONTRASTS) if found[0] < 4.5] == []
    assert await page.evaluate(NAMELESS) == []
    assert await page.evaluate(LAYOUT) == []
