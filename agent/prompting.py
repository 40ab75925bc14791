"""From a caller's question to the prompt that answers it: retrieval first, then quote mode or free mode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from livekit.agents import llm

from agent.follow_up import search_query
from agent.history import before, recent
from agent.phrases import ALL as APOLOGIES
from agent.prompts import read_prompt
from agent.quote import quote_prompt
from agent.settings import Settings
from plugins.client import EngineClient

Json = dict[str, Any]
Messages = Sequence[dict[str, str]]


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
    )


class Prompting:
    """Makes the prompts of one call. `documents_on` says whether the caller wants the documents used."""

    def __init__(self, engine: EngineClient, rules: AnswerRules, *, documents_on: Callable[[], bool]) -> None:
        self._engine = engine
        self._rules = rules
        self._documents_on = documents_on

    async def prompt(self, chat: llm.ChatContext, question: llm.ChatMessage) -> Prompt:
        """Retrieve for `question` and build its prompt. Raises `EngineError`."""
        rules, text = self._rules, (question.raw_text_content or "").strip()
        history = recent(
            before(chat, question),
            max_messages=rules.history_messages,
            max_tokens=rules.history_tokens,
            without=APOLOGIES,
        )
        documents = self._documents_on()
        retrieval = await self._engine.retrieve(
            search_query(text, history), k=rules.passages, collection=rules.collection, documents=documents
        )
        if rules.mode == "quote":
            quote = quote_prompt(retrieval, text, history, documents=documents)
            return Prompt(quote.messages, {"grammar": quote.grammar}, retrieval)
        return Prompt(free_messages(rules.instructions, retrieval, text, history), {}, retrieval)


def free_messages(instructions: str, retrieval: Json, question: str, history: Messages) -> Messages:
    """Instructions, history, then the question under its numbered passages: the part that changes comes last."""
    passages = [
        f"[{number}] {passage['title']}\n{passage['text']}"
        for number, passage in enumerate(retrieval["passages"], start=1)
    ]
    found = "\n\n".join(passages) if passages else "(nothing in the documents fits)"
    asked = f"Documents:\n{found}\n\nQuestion: {question}"
    return [{"role": "system", "content": instructions}, *history, {"role": "user", "content": asked}]


def chat_context(messages: Messages) -> llm.ChatContext:
    """OpenAI-style messages as LiveKit's chat context."""
    chat = llm.ChatContext.empty()
    for message in messages:
        chat.add_message(role=cast(llm.ChatRole, message["role"]), content=message["content"])
    return chat
