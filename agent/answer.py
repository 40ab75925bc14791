"""One question without a call: what `landline ask` does."""

from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import llm

from agent.call import answer_rules
from agent.citing import cited
from agent.prompting import AnswerRules, Prompting
from agent.settings import Settings
from knowledge.scope import check_collection
from plugins.client import EngineClient

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the agent would say, and the passages that it rests on."""

    text: str
    sources: list[Json]


async def ask_once(
    settings: Settings, question: str, *, collection: str = "", title: str = "", source: str = ""
) -> Answer:
    """Ask the running engine. Raises `EngineError`, and `KnowledgeError` for what cannot be a collection.

    Of the collection, the settings' own if none is named, only documents of this `title` and from this `source` count.
    """
    rules = _rules_for(settings, collection=collection, title=title, source=source)
    async with EngineClient(settings.engine.url) as engine:
        prompting = Prompting(engine, rules, documents_on=lambda: True)
        chat = llm.ChatContext.empty()
        asked = chat.add_message(role="user", content=question)
        prompt = await prompting.prompt(chat, asked)
        limits = {"max_tokens": settings.answer.max_tokens, "temperature": settings.answer.temperature}
        pieces = [delta.get("content", "") async for delta in engine.chat(prompt.messages, **limits, **prompt.options)]
        text = "".join(pieces)
        return Answer(text, cited(text, prompt.retrieval))


def _rules_for(settings: Settings, *, collection: str, title: str, source: str) -> AnswerRules:
    rules = answer_rules(settings)
    return replace(rules, collection=check_collection(collection or rules.collection), title=title, source=source)
