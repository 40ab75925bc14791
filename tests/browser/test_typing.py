"""Typing on the page, with a scripted agent."""

import pytest
from playwright.async_api import expect

from tests.browser.callerpage import CallerPage
from tests.browser.conftest import OpenPage
from tests.browser.standin import ANSWER, StandIn

pytestmark = pytest.mark.browser


async def test_a_typed_question_begins_a_call_and_streams_its_answer(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.type("What time is breakfast?")
    await expect(caller.page.locator(".entry.caller .words")).to_have_text("What time is breakfast?")
    streaming = caller.page.locator(".entry.agent.unsettled .words")
    await expect(streaming).to_contain_text("Breakfast is")
    await expect(caller.answers.last).to_contain_text(ANSWER)


async def test_shift_enter_breaks_the_line_and_enter_sends(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    box = caller.page.get_by_label("Your message")
    await box.press_sequentially("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    await box.press("Enter")
    await expect(box).to_have_value("")
    await expect(caller.questions).to_have_text("one\ntwo", use_inner_text=True)


async def test_what_is_typed_is_shown_as_text_and_never_as_markup(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    await caller.answer_to("<img src=x onerror=alert(1)> breakfast?")
    await expect(caller.questions).to_have_text("<img src=x onerror=alert(1)> breakfast?")
    await expect(caller.page.locator(".log img")).to_have_count(0)


async def test_a_very_long_message_arrives_whole(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    await caller.answer_to("breakfast " * 1000)
    [agent] = standin.agents.values()
    assert agent.typed == [("breakfast " * 1000).strip()]


async def test_documents_switched_off_leave_the_answer_without_sources(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    first = await caller.answer_to("What time is breakfast?")
    await expect(first.locator(".sources")).to_have_count(1)
    await caller.page.get_by_label("Use my documents").uncheck()
    second = await caller.answer_to("What time is breakfast?")
    await expect(second.locator(".turn")).to_have_count(1)
    await expect(second.locator(".sources")).to_have_count(0)


async def test_the_documents_switch_is_kept_and_holds_from_the_first_word(
    standin: StandIn, open_page: OpenPage
) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.page.get_by_label("Use my documents").uncheck()
    await caller.page.reload()
    await expect(caller.page.get_by_label("Use my documents")).not_to_be_checked()
    await caller.start_and_listen()
    answer = await caller.answer_to("What time is breakfast?")
    await expect(answer.locator(".turn")).to_have_count(1)
    await expect(answer.locator(".sources")).to_have_count(0)


async def test_starter_models_are_named_with_the_way_to_real_ones(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    await expect(caller.page.get_by_text("starter models, quote mode")).to_be_visible()
    await expect(caller.page.get_by_text("landline models pull")).to_be_visible()
    await caller.page.get_by_role("button", name="Dismiss the note on starter models").click()
    await expect(caller.page.get_by_text("landline models pull")).to_have_count(0)


async def test_enter_that_takes_an_input_methods_word_sends_nothing(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    box = caller.page.get_by_label("Your message")
    await box.fill("何時です")
    enter = {"key": "Enter", "bubbles": True, "cancelable": True}
    await box.dispatch_event("keydown", {**enter, "keyCode": 229})  # as Safari sends it
    await box.dispatch_event("keydown", {**enter, "isComposing": True})
    await expect(box).to_have_value("何時です")


async def test_what_is_written_from_right_to_left_begins_at_the_right(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    await caller.answer_to("متى الفطور؟")
    begins = """(words) => {
        const letter = document.createRange();
        letter.setStart(words.firstChild, 0);
        letter.setEnd(words.firstChild, 1);
        return letter.getBoundingClientRect().right > words.getBoundingClientRect().right - 5;
    }"""
    assert await caller.questions.last.evaluate(begins)
    assert not await caller.answers.last.locator(".words").evaluate(begins)
