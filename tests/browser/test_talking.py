"""Talking on the page, with a scripted agent: captions, sound, microphone."""

import pytest
from playwright.async_api import expect

from tests.browser.callerpage import CallerPage
from tests.browser.conftest import OpenPage
from tests.browser.standin import ANSWER, GREETING, HEARD, StandIn

pytestmark = pytest.mark.browser


async def test_both_sides_are_captioned_and_the_agent_is_heard(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url, says="What time is breakfast?"))
    await caller.start_talking()
    await expect(caller.answers.first).to_contain_text(GREETING)
    await expect(caller.questions.first).to_have_text(HEARD[-1])
    await caller.agent_is("speaking")
    assert await caller.loudest() > 0.01
    await expect(caller.answers.nth(1)).to_contain_text(ANSWER)


async def test_interim_captions_show_before_the_caller_has_finished(standin: StandIn, open_page: OpenPage) -> None:
    page = await open_page(standin.base_url, says="What time is breakfast served in the garden room on a Sunday?")
    await CallerPage(page).start_talking()
    await expect(page.locator(".entry.caller.unsettled .words")).to_contain_text(HEARD[0])


async def test_sources_and_times_lie_folded_under_the_answer(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    answer = await caller.answer_to("What time is breakfast?")
    await answer.get_by_text("2 sources").click()
    await expect(answer.locator(".sources li").first).to_contain_text("breakfast.md")
    await expect(answer.locator("blockquote").first).to_contain_text("garden room")
    await answer.get_by_text("First word after 0.43 s").click()
    await expect(answer.locator(".turn li:not(.guess)")).to_have_count(9)
    await expect(answer.locator(".guess").first).to_have_text("Begun 140 ms before your turn was over.")


async def test_muting_closes_the_microphone(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url, says="What time is breakfast?"))
    await caller.start_talking()
    await caller.button("Mute").click()
    await expect(caller.page.get_by_text("Muted")).to_be_visible()
    await expect(caller.button("Unmute")).to_be_visible()
    await caller.button("Unmute").click()
    await expect(caller.questions.first).to_have_text(HEARD[-1])


async def test_push_to_talk_opens_the_microphone_while_the_space_bar_is_down(
    standin: StandIn, open_page: OpenPage
) -> None:
    page = await open_page(standin.base_url)
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_label("Push to talk").check()
    await page.get_by_role("button", name="Done").click()
    await CallerPage(page).start_talking()
    await expect(page.get_by_role("button", name="Hold to talk")).to_be_visible()
    await page.locator("h1").click()
    await page.keyboard.down(" ")
    await expect(page.locator("#mic-label")).to_have_text("Microphone on")
    await page.keyboard.up(" ")
    await expect(page.locator("#mic-label")).to_have_text("Muted")


async def test_the_push_to_talk_button_works_by_pointer_too(standin: StandIn, open_page: OpenPage) -> None:
    page = await open_page(standin.base_url)
    await page.evaluate("localStorage.setItem('landline.settings', JSON.stringify({pushToTalk: true}))")
    await page.reload()
    await CallerPage(page).start_talking()
    await page.get_by_role("button", name="Hold to talk").hover()
    await page.mouse.down()
    await expect(page.locator("#mic-label")).to_have_text("Microphone on")
    await page.mouse.up()
    await expect(page.locator("#mic-label")).to_have_text("Muted")


async def test_a_space_in_the_message_is_a_space(standin: StandIn, open_page: OpenPage) -> None:
    page = await open_page(standin.base_url)
    await page.evaluate("localStorage.setItem('landline.settings', JSON.stringify({pushToTalk: true}))")
    await page.reload()
    await CallerPage(page).start_talking()
    await page.get_by_label("Your message").press_sequentially("two words")
    await expect(page.get_by_label("Your message")).to_have_value("two words")
    await expect(page.locator("#mic-label")).to_have_text("Muted")


@pytest.mark.parametrize("way", ["button", "key"])
async def test_an_answer_can_be_interrupted(standin: StandIn, open_page: OpenPage, way: str) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.type("Tell me a long story")
    await expect(caller.page.locator(".entry.agent .words").last).to_contain_text("One. One.")
    if way == "button":
        await caller.button("Interrupt").click()
    else:
        await caller.page.keyboard.press("Escape")
    await caller.agent_is("listening")
    await expect(caller.answers.last).to_have_class("entry agent cut")


@pytest.mark.parametrize(
    ("microphone", "explanation"), [("denied", "keeps the microphone closed"), ("missing", "No microphone was found")]
)
async def test_without_a_microphone_typing_still_works(
    standin: StandIn, open_page: OpenPage, microphone: str, explanation: str
) -> None:
    caller = CallerPage(await open_page(standin.base_url, microphone=microphone))
    await caller.start_talking()
    await expect(caller.notice).to_contain_text(explanation)
    await expect(caller.button("Use microphone")).to_be_visible()
    await caller.greeted()
    await expect(await caller.answer_to("What time is breakfast?")).to_contain_text(ANSWER)


async def test_a_microphone_can_join_a_typed_call(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url, says="What time is breakfast?"))
    await caller.type("What time is breakfast?")
    await caller.connected()
    await caller.button("Use microphone").click()
    await expect(caller.questions.nth(1)).to_have_text(HEARD[-1])
