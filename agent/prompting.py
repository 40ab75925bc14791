"""From a caller's question to the prompt that answers it: retrieval first, then quote mode or free mode."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from livekit.agents import llm

from agent.follow_up import search_query
from agent.history import before, recent
from agent.passages import excerpts, numbered, plain
from agent.phrases import ALL as APOLOGIES
from agent.prompts import read_prompt
from agent.quote import quote_prompt
from agent.settings import Settings
from plugins.client import EngineClient

Json = dict[str, Any]
Messages = Sequence[dict[str, str]]

FRESH_S = 10.0
"""How long the result of a search is good for: longer than a turn, shorter than it takes to change a document."""


@dataclass(frozen=True)
class AnswerRules:
    """What a prompt is made of and how long it may be."""

    mode: Literal["quote", "free"]
    instructions: str
    """The system prompt of free mode."""
    collection: str
    passages: int
    history_messages: int
    history_tokens: int
    title: str = ""
    """Only documents of this title are searched."""
    source: str = ""
    """Only what came from this file or address is searched."""
    falls_back_on_quotes: bool = False
    """In free mode: a local model that stands in for an outside one is only asked to quote."""


@dataclass(frozen=True)
class Prompt:
    """A prompt, the fields of the request that go with it, and what was retrieved for it."""

    messages: Messages
    options: Json
    retrieval: Json


def answer_rules(settings: Settings) -> AnswerRules:
    """What the settings say about prompts."""
    return AnswerRules(
        mode=settings.mode,
        instructions=read_prompt("free"),
        collection=settings.knowledge.collection,
        passages=settings.knowledge.passages,
        history_messages=settings.answer.history_messages,
        history_tokens=settings.answer.history_tokens,
        falls_back_on_quotes=settings.is_starter and bool(settings.outside_llm.url),
    )


@dataclass(frozen=True)
class Search:
    """A search that runs or has run."""

    begun_s: float
    result: "asyncio.Task[Json]"

    def is_good(self, now_s: float) -> bool:
        """Whether its result may still be used. One that failed is made again."""
        failed = self.result.done() and (self.result.cancelled() or self.result.exception() is not None)
        return not failed and now_s - self.begun_s < FRESH_S


class Prompting:
    """Makes the prompts of one call. `documents_on` says whether the caller wants the documents used."""

    def __init__(self, engine: EngineClient, rules: AnswerRules, *, documents_on: Callable[[], bool]) -> None:
        self._engine = engine
        self._rules = rules
        self._documents_on = documents_on
        self._searches: dict[tuple[str, bool], Search] = {}

    async def prompt(self, chat: llm.ChatContext, question: llm.ChatMessage) -> Prompt:
        """Retrieve for `question` and build its prompt. Raises `EngineError`."""
        return await self._prompt((question.raw_text_content or "").strip(), self.recent(before(chat, question)))

    async def ahead(self, chat: llm.ChatContext, text: str) -> Messages:
        """What the model will have to read if the caller's turn is `text`, or while nothing is said yet.

        That is the prompt or its beginning; nothing in quote mode, which leaves the model no choice. What is found for
        `text` is kept for `prompt`. Raises `EngineError`.
        """
        history = self.recent(chat.messages())
        messages = (await self._prompt(text, history)).messages if text else ()
        if self._rules.mode == "quote":
            return ()
        return messages or [{"role": "system", "content": self._rules.instructions}, *history]

    async def _prompt(self, text: str, history: Messages) -> Prompt:
        rules, documents = self._rules, self._documents_on()
        retrieval = await self._search(search_query(text, history), documents)
        key = cache_key(rules, text, history, retrieval, documents=documents)
        free = free_messages(rules.instructions, retrieval, text, history)
        if rules.mode == "free" and not rules.falls_back_on_quotes:
            return Prompt(free, key, retrieval)
        quote = quote_prompt(retrieval, text, history, documents=documents)
        if rules.mode == "quote":
            return Prompt(quote.messages, {"grammar": quote.grammar} | key, retrieval)
        fallback = {"messages": quote.messages, "grammar": quote.grammar}
        return Prompt(free, {"fallback": fallback} | key, retrieval)

    def recent(self, messages: Sequence[llm.ChatMessage]) -> Messages:
        """The newest of `messages` that fit the limits, without apologies."""
        rules = self._rules
        return recent(messages, max_messages=rules.history_messages, max_tokens=rules.history_tokens, without=APOLOGIES)

    async def _search(self, query: str, documents: bool) -> Json:
        """What is found for `query`; a search that runs or has just run is not made again."""
        now_s = asyncio.get_running_loop().time()
        self._searches = {key: one for key, one in self._searches.items() if one.is_good(now_s)}
        key = (query, documents)
        if key not in self._searches:
            self._searches[key] = Search(now_s, asyncio.create_task(self._retrieve(query, documents)))
        return await asyncio.shield(self._searches[key].result)

    async def _retrieve(self, query: str, documents: bool) -> Json:
        rules = self._rules
        return await self._engine.retrieve(
            query,
            k=rules.passages,
            collection=rules.collection,
            title=rules.title,
            source=rules.source,
            documents=documents,
        )


def cache_key(rules: AnswerRules, question: str, history: Messages, retrieval: Json, *, documents: bool) -> Json:
    """The option under which others who ask the same get the same answer; none once the caller has said something.

    It names the collection and every passage in full: whatever changes in them makes another key.
    """
    if any(message["role"] == "user" for message in history):
        return {}
    passages = [[passage["title"], passage["source"], passage["text"]] for passage in retrieval["passages"]]
    rest = [message["content"] for message in history]
    parts = [rules.mode, rules.instructions, rules.collection, documents, normalized(question), passages, rest]
    return {"cache_key": hashlib.sha256(json.dumps(parts).encode()).hexdigest()}


def normalized(question: str) -> str:
    """The question without what makes no difference: case, punctuation between words, spaces."""
    words = (word.strip(".,;:!?…\"'“”‘’()") for word in question.lower().split())
    return " ".join(word for word in words if word)


def free_messages(instructions: str, retrieval: Json, question: str, history: Messages) -> Messages:
    """Instructions, history, then the question under its numbered passages: the part that changes comes last.

    The question stands on one line, so that nothing in it looks like a passage.
    """
    found = numbered(excerpts(retrieval)) or "(nothing in the documents fits)"
    asked = f"Documents:\n{found}\n\nQuestion: {' '.join(plain(question).split())}"
    return [{"role": "system", "content": instructions}, *history, {"role": "user", "content": asked}]


def chat_context(messages: Messages) -> llm.ChatContext:
    """OpenAI-style messages as LiveKit's chat context."""
    chat = llm.ChatContext.empty()
    for message in messages:
        chat.add_message(role=cast(llm.ChatRole, message["role"]), content=message["content"])
    return chat
