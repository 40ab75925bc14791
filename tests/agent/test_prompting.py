"""From a question to a prompt."""

from dataclasses import replace
from typing import Any

import pytest
from livekit.agents import llm

from agent.phrases import ONE_MOMENT
from agent.prompting import AnswerRules, Prompting, answer_rules, chat_context
from agent.settings import Settings
from plugins.client import EngineClient
from plugins.errors import EngineUnavailable
from tests.agent.breakfast import CANDIDATE, PASSAGE, SENTENCE


class Library(EngineClient):
    """An engine that finds one passage, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("unix:nowhere")
        self.asked: list[dict[str, Any]] = []

    async def retrieve(self, query: str, *, k: int, collection: str, documents: bool, **_: Any) -> dict[str, Any]:
        self.asked.append({"query": query, "k": k, "collection": collection, "documents": documents})
        found = [PASSAGE] if documents else []
        candidates = [CANDIDATE] if documents else []
        return {"query": query, "passages": found, "candidates": candidates, "answerable": documents}


class Absent(EngineClient):
    async def retrieve(self, query: str, **_: Any) -> dict[str, Any]:
        raise EngineUnavailable("away")


def rules(mode: Any = "quote") -> AnswerRules:
    return AnswerRules(
        mode=mode,
        instructions="Be brief.",
        collection="house",
        passages=3,
        history_messages=4,
        history_tokens=200,
    )


def chat(*texts: str) -> tuple[llm.ChatContext, llm.ChatMessage]:
    """A conversation that the caller ends with the last of `texts`."""
    context = llm.ChatContext.empty()
    for index, text in enumerate(texts[:-1]):
        context.add_message(role="assistant" if (len(texts) - index) % 2 == 0 else "user", content=text)
    return context, context.add_message(role="user", content=texts[-1])


async def test_quote_mode_allows_nothing_but_the_documents_and_the_house() -> None:
    engine = Library()
    context, question = chat("when is breakfast")
    prompt = await Prompting(engine, rules(), documents_on=lambda: True).prompt(context, question)
    assert SENTENCE in prompt.options["grammar"]
    assert SENTENCE in prompt.messages[-1]["content"]
    assert engine.asked == [{"query": "when is breakfast", "k": 3, "collection": "house", "documents": True}]


async def test_the_callers_switch_keeps_the_documents_out() -> None:
    engine = Library()
    context, question = chat("when is breakfast")
    prompt = await Prompting(engine, rules(), documents_on=lambda: False).prompt(context, question)
    assert engine.asked[0]["documents"] is False
    assert SENTENCE not in prompt.options["grammar"]


async def test_free_mode_puts_numbered_passages_above_the_question() -> None:
    context, question = chat("hello", "Hi!", "when is breakfast")
    prompt = await Prompting(Library(), rules("free"), documents_on=lambda: True).prompt(context, question)
    assert [message["role"] for message in prompt.messages] == ["system", "user", "assistant", "user"]
    assert prompt.messages[0]["content"] == "Be brief."
    assert f"[1] Breakfast\n> {SENTENCE}" in prompt.messages[-1]["content"]
    assert prompt.messages[-1]["content"].endswith("when is breakfast")
    assert prompt.options == {}


async def test_free_mode_says_when_nothing_was_found() -> None:
    context, question = chat("when is breakfast")
    prompt = await Prompting(Library(), rules("free"), documents_on=lambda: False).prompt(context, question)
    assert "nothing in the documents fits" in prompt.messages[-1]["content"]


async def test_a_follow_up_is_searched_with_what_it_leans_on() -> None:
    engine = Library()
    context, question = chat("when is breakfast", SENTENCE, "and on sunday")
    await Prompting(engine, rules(), documents_on=lambda: True).prompt(context, question)
    assert "breakfast" in engine.asked[0]["query"]
    assert "sunday" in engine.asked[0]["query"]


async def test_history_is_budgeted_and_free_of_apologies() -> None:
    texts = ["q1", "a1", "q2", f"{ONE_MOMENT}a2", "q3", "a3", "now"]
    context, question = chat(*texts)
    prompt = await Prompting(Library(), rules("free"), documents_on=lambda: True).prompt(context, question)
    assert [message["content"] for message in prompt.messages[1:-1]] == ["q2", "a2", "q3", "a3"]


async def test_an_engine_that_is_away_is_the_callers_business() -> None:
    context, question = chat("when is breakfast")
    with pytest.raises(EngineUnavailable):
        await Prompting(Absent("unix:nowhere"), rules(), documents_on=lambda: True).prompt(context, question)


def test_messages_become_a_chat_context_and_back() -> None:
    messages = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    assert chat_context(messages).to_provider_format("openai")[0] == messages


def test_the_starter_models_quote() -> None:
    made = answer_rules(Settings())
    assert (made.mode, made.history_messages, made.passages) == ("quote", 10, 5)
    assert made.instructions


async def test_what_was_searched_ahead_is_not_searched_again() -> None:
    engine = Library()
    prompting = Prompting(engine, rules("free"), documents_on=lambda: True)
    context, question = chat("when is breakfast")
    messages = await prompting.ahead(llm.ChatContext.empty(), "when is breakfast")
    prompt = await prompting.prompt(context, question)
    assert prompt.messages == messages
    assert len(engine.asked) == 1


async def test_before_the_caller_speaks_the_conversation_so_far_is_the_beginning_of_the_prompt() -> None:
    engine = Library()
    prompting = Prompting(engine, rules("free"), documents_on=lambda: True)
    context, question = chat("when is breakfast", "From seven.", "and on sundays")
    so_far = llm.ChatContext(context.items[:-1])
    ahead = await prompting.ahead(so_far, "")
    assert (await prompting.prompt(context, question)).messages[: len(ahead)] == ahead
    assert len(engine.asked) == 1


async def test_a_search_that_failed_ahead_is_made_again() -> None:
    engine = Library()
    prompting = Prompting(Absent("unix:nowhere"), rules("free"), documents_on=lambda: True)
    with pytest.raises(EngineUnavailable):
        await prompting.ahead(llm.ChatContext.empty(), "when is breakfast")
    prompting._engine = engine  # pyright: ignore[reportPrivateUsage]  # it has come back
    assert await prompting.ahead(llm.ChatContext.empty(), "when is breakfast")


async def test_in_quote_mode_the_model_has_nothing_to_read_ahead_but_the_search_is_made() -> None:
    engine = Library()
    prompting = Prompting(engine, rules("quote"), documents_on=lambda: True)
    assert not await prompting.ahead(llm.ChatContext.empty(), "")
    assert not await prompting.ahead(llm.ChatContext.empty(), "when is breakfast")
    assert len(engine.asked) == 1


class Shelf(Library):
    """An engine that finds one passage with this text, whatever the collection."""

    def __init__(self, text: str = SENTENCE) -> None:
        super().__init__()
        self._text = text

    async def retrieve(self, query: str, **options: Any) -> dict[str, Any]:
        found = await super().retrieve(query, **options)
        return found | {"passages": [PASSAGE | {"text": self._text}]}


async def key(
    *texts: str, engine: Library | None = None, collection: str = "house", documents: bool = True
) -> str | None:
    """What the answer to the last of `texts` may be kept under."""
    context, question = chat(*texts)
    made = replace(rules("free"), collection=collection)
    prompt = await Prompting(engine or Shelf(), made, documents_on=lambda: documents).prompt(context, question)
    return prompt.options.get("cache_key")


async def test_whoever_asks_the_same_first_may_get_the_same_answer() -> None:
    assert await key("When is breakfast?") == await key("when is  breakfast") is not None
    assert await key("when is breakfast") != await key("when is dinner")


async def test_an_answer_is_never_kept_across_collections_or_changed_documents() -> None:
    asked = "when is breakfast"
    keys = [
        await key(asked),
        await key(asked, collection="other"),
        await key(asked, engine=Shelf("Breakfast is served from 8 am.")),
        await key(asked, documents=False),
    ]
    assert len(set(keys)) == len(keys) and None not in keys


async def test_an_answer_that_may_depend_on_what_was_said_is_not_kept() -> None:
    assert await key("when is breakfast", SENTENCE, "and on sunday") is None


async def test_the_greeting_before_a_first_question_is_no_reason_not_to_keep_its_answer() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="assistant", content="Hello!")
    question = context.add_message(role="user", content="when is breakfast")
    prompt = await Prompting(Shelf(), rules(), documents_on=lambda: True).prompt(context, question)
    assert "cache_key" in prompt.options
