"""One question without a call: what `landline ask` does."""

from dataclasses import dataclass
from typing import Any

from livekit.agents import llm

from agent.call import answer_rules
from agent.citing import cited
from agent.prompting import Prompting
from agent.settings import Settings
from plugins.client import EngineClient

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the agent would say, and the passages that it rests on."""

    text: str
    sources: list[Json]


async def ask_once(settings: Settings, question: str) -> Answer:
    """Ask the running engine. Raises `EngineError`."""
    async with EngineClient(settings.engine.url) as engine:
        prompting = Prompting(engine, answer_rules(settings), documents_on=lambda: True)
        chat = llm.ChatContext.empty()
        asked = chat.add_message(role="user", content=question)
        prompt = await prompting.prompt(chat, asked)
        limits = {"max_tokens": settings.answer.max_tokens, "temperature": settings.answer.temperature}
        pieces = [delta.get("content", "") async for delta in engine.chat(prompt.messages, **limits, **prompt.options)]
        text = "".join(pieces)
        return Answer(text, cited(text, prompt.retrieval))
