"""How much of a conversation the model sees."""

from livekit.agents import llm

from agent.history import before, estimate_tokens, last_question, recent


def message(role: llm.ChatRole, text: str) -> llm.ChatMessage:
    return llm.ChatMessage(role=role, content=[text])


def conversation(*texts: str) -> list[llm.ChatMessage]:
    """Caller and agent in turns, the caller first."""
    return [message("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts)]


def test_the_newest_messages_are_kept_oldest_first() -> None:
    kept = recent(conversation("one", "two", "three", "four"), max_messages=2, max_tokens=1000)
    assert kept == [{"role": "user", "content": "three"}, {"role": "assistant", "content": "four"}]


def test_a_message_that_does_not_fit_ends_the_history() -> None:
    messages = conversation("short", "x" * 4000, "what now", "well")
    kept = recent(messages, max_messages=10, max_tokens=200)
    assert [one["content"] for one in kept] == ["what now", "well"]


def test_instructions_and_empty_messages_are_left_out() -> None:
    messages = [message("system", "be brief"), message("user", " "), message("user", "hello")]
    assert recent(messages, max_messages=10, max_tokens=1000) == [{"role": "user", "content": "hello"}]


def test_apologies_are_not_remembered() -> None:
    messages = [message("assistant", "One moment. At seven."), message("assistant", "One moment.")]
    kept = recent(messages, max_messages=10, max_tokens=1000, without=["One moment."])
    assert kept == [{"role": "assistant", "content": "At seven."}]


def test_nothing_is_kept_when_not_even_the_last_message_fits() -> None:
    assert recent(conversation("x" * 1000), max_messages=10, max_tokens=10) == []


def test_tokens_are_estimated_too_high_rather_than_too_low() -> None:
    assert estimate_tokens("breakfast is at seven") >= 5
    assert estimate_tokens("") > 0


def test_the_last_question_is_the_callers_newest_message() -> None:
    chat = llm.ChatContext([*conversation("first", "answer", "second"), message("assistant", "late")])
    question = last_question(chat)
    assert question is not None
    assert question.text_content == "second"
    assert [one.text_content for one in before(chat, question)] == ["first", "answer"]


def test_without_a_caller_there_is_no_question() -> None:
    assert last_question(llm.ChatContext([message("assistant", "hello")])) is None
