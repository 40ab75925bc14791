"""The page against the whole system: real LiveKit, real engine, real worker, starter models."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.callerpage import CallerPage
from tests.browser.conftest import OpenPage
from tests.system import Landline

pytestmark = pytest.mark.browser

QUESTION = "What time is breakfast served?"
WATCH = """() => {
    window.seen = new Set();
    const look = () => window.seen.add(document.querySelector(".entry:last-child.agent .words")?.textContent ?? "");
    new MutationObserver(look).observe(document.querySelector("#log"), { subtree: true, childList: true });
}"""


async def test_a_spoken_question_is_captioned_and_answered_aloud(landline: Landline, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(landline.base_url, says=QUESTION))
    await caller.start_and_listen()
    await expect(caller.questions.first).to_contain_text("breakfast", ignore_case=True)
    await caller.agent_is("speaking")
    assert await caller.loudest() > 0.01
    answer = caller.page.locator(".entry.caller ~ .entry.agent:not(.unsettled)").first
    await expect(answer.locator(".sources")).to_have_count(1)
    await answer.locator(".sources summary").click()
    await expect(answer.locator(".sources li").first).to_contain_text("breakfast", ignore_case=True)
    await expect(answer.get_by_text("Answered after")).to_be_visible()


async def test_a_typed_question_is_answered_word_by_word(landline: Landline, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(landline.base_url))
    await caller.start_and_listen()
    await caller.page.evaluate(WATCH)
    answer = await caller.answer_to(QUESTION)
    assert await _versions_seen(caller.page) >= 3
    await expect(answer.locator(".sources")).to_have_count(1)


async def test_without_documents_an_answer_has_no_sources(landline: Landline, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(landline.base_url))
    await caller.start_and_listen()
    await caller.page.get_by_label("Use my documents").uncheck()
    answer = await caller.answer_to(QUESTION)
    await expect(answer.locator(".turn")).to_have_count(1)
    await expect(answer.locator(".sources")).to_have_count(0)


async def test_a_refused_microphone_leaves_typing(landline: Landline, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(landline.base_url, microphone="denied"))
    await caller.button("Start talking").click()
    await expect(caller.notice).to_contain_text("keeps the microphone closed")
    await caller.greeted()
    await expect((await caller.answer_to(QUESTION)).locator(".words")).not_to_be_empty()


async def test_a_killed_media_server_comes_back_and_so_does_the_call(landline: Landline, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(landline.base_url))
    await caller.start_and_listen()
    landline.kill("livekit")
    await expect(caller.page.locator("#agent-label")).to_have_text("Reconnecting")
    await caller.greeted()
    await expect((await caller.answer_to(QUESTION)).locator(".words")).not_to_be_empty()


async def _versions_seen(page: Page) -> int:
    """How many different states of the answer's text were drawn."""
    return await page.evaluate("window.seen.size")
