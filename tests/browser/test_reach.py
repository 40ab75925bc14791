"""Who can use the page, on what, and whom it talks to."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.callerpage import CallerPage
from tests.browser.conftest import OpenPage
from tests.browser.standin import StandIn

pytestmark = pytest.mark.browser

CONTRASTS = """() => {
    const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        pixel.clearRect(0, 0, 1, 1);
        pixel.fillStyle = color;
        pixel.fillRect(0, 0, 1, 1);
        return [...pixel.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
    };
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const color = rgba(getComputedStyle(each).backgroundColor);
            if (color[3] > 0.99) return color;
        }
        return rgba("canvas");
    };
    const texts = [...document.querySelectorAll("body *")].filter(
        (element) =>
            element.checkVisibility() &&
            [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()) &&
            !element.matches(".unseen, option, noscript, :disabled"),
    );
    return texts.map((element) => {
        const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [ratio, element.id || element.className || element.tagName, element.textContent.trim().slice(0, 30)];
    });
}"""
NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, summary")]
    .filter((element) => element.checkVisibility())
    .filter((element) => !(element.labels?.length || element.ariaLabel || element.textContent.trim()))
    .map((element) => element.outerHTML)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_its_ground(standin: StandIn, open_page: OpenPage, scheme: str) -> None:
    caller = CallerPage(await open_page(standin.base_url, color_scheme=scheme))
    await caller.start_and_listen()
    answer = await caller.answer_to("What time is breakfast?")
    await answer.get_by_text("2 sources").click()
    faint = [found for found in await caller.page.evaluate(CONTRASTS) if found[0] < 4.5]
    assert faint == []


async def test_everything_that_can_be_used_has_a_name(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    await caller.page.get_by_role("button", name="Settings").click()
    assert await caller.page.evaluate(NAMELESS) == []


async def test_a_call_can_be_made_and_ended_by_keyboard_alone(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    for _ in range(2):
        await caller.page.keyboard.press("Tab")
    await expect(caller.button("Start talking")).to_be_focused()
    await caller.page.keyboard.press("Enter")
    await caller.connected()
    await expect(caller.page.locator("#talk")).to_be_focused()
    while not await caller.button("Hang up").evaluate("element => element === document.activeElement"):
        await caller.page.keyboard.press("Tab")
    await caller.page.keyboard.press("Enter")
    await expect(caller.button("Call again")).to_be_focused()


async def test_a_screen_reader_hears_answers_once_they_are_complete(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    answer = await caller.answer_to("What time is breakfast?")
    words = await answer.locator(".words").inner_text()
    announcer = caller.page.locator("#announcer")
    await expect(announcer).to_have_attribute("aria-live", "polite")
    await expect(announcer).to_contain_text(words)


@pytest.mark.parametrize("width", [320, 360, 768, 1920])
async def test_no_width_needs_sideways_scrolling(standin: StandIn, open_page: OpenPage, width: int) -> None:
    page = await open_page(standin.base_url, viewport={"width": width, "height": 740})
    caller = CallerPage(page)
    await caller.start_and_listen()
    answer = await caller.answer_to("What time is breakfast?")
    for note in await answer.locator("summary").all():
        await note.click()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in await page.locator(".controls button:visible, #send, #open-settings").all():
        box = await button.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width


async def test_still_pictures_for_those_who_want_no_motion(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url, reduced_motion="reduce"))
    await caller.start_talking()
    assert await caller.page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    await expect(caller.page.locator("#line")).to_be_visible()


async def test_the_page_talks_to_its_own_machine_alone(standin: StandIn, open_page: OpenPage) -> None:
    page = await open_page("about:blank")
    reached: set[str] = set()
    page.on("request", lambda request: reached.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: reached.add(urlsplit(socket.url).netloc))
    await page.goto(standin.base_url)
    await CallerPage(page).start_and_listen()
    await CallerPage(page).answer_to("What time is breakfast?")
    assert reached == {urlsplit(standin.base_url).netloc, urlsplit(standin.livekit_url).netloc}


async def test_settings_open_while_the_browser_asks_for_the_microphone(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}) }")
    await caller.start_talking()
    await caller.page.get_by_role("button", name="Settings").click()
    await expect(caller.page.get_by_role("dialog", name="Settings")).to_be_visible(timeout=5000)


async def test_a_browser_that_keeps_nothing_makes_calls(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page("about:blank"))
    await caller.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    await caller.page.goto(standin.base_url)
    await caller.start_talking()
