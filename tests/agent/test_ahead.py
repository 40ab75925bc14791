"""Thinking ahead while the caller speaks."""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from livekit.agents import UserInputTranscribedEvent, llm

from agent.ahead import Ahead
from plugins.client import EngineClient
from plugins.errors import EngineUnavailable


class Reader(EngineClient):
    """Notes what it is given to read; reading takes until `go` is set."""

    def __init__(self) -> None:
        super().__init__("unix:nowhere")
        self.read: list[str] = []
        self.go = asyncio.Event()

    async def read_ahead(self, messages: Sequence[Mapping[str, Any]], *, call_id: str) -> None:
        self.read.append(messages[0]["content"])
        await self.go.wait()
        if messages[0]["content"] == "away":
            raise EngineUnavailable("away")


def ahead(reader: Reader) -> Ahead:
    async def messages(_: llm.ChatContext, text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": text}]

    return Ahead(reader, SimpleNamespace(ahead=messages), call_id="a")  # type: ignore[arg-type]  # all it uses


def heard(text: str, *, is_final: bool = False) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=is_final)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_only_the_newest_words_are_read_after_those_being_read() -> None:
    reader = Reader()
    following = ahead(reader)
    for text in ("how", "how much", "how much is", "how much is a massage"):
        following.on_transcript(heard(text))
        await settle()
    reader.go.set()
    await settle()
    assert reader.read == ["how", "how much is a massage"]


async def test_settled_words_of_the_turn_stand_before_the_new_ones() -> None:
    reader = Reader()
    following = ahead(reader)
    reader.go.set()
    following.on_transcript(heard("how much is", is_final=True))
    following.on_transcript(heard("a massage"))
    await settle()
    following.on_item(SimpleNamespace(item=llm.ChatMessage(role="user", content=["how much is a massage"])))
    following.on_transcript(heard("and"))
    await settle()
    assert reader.read == ["how much is a massage", "and"]


async def test_after_an_answer_the_conversation_is_read() -> None:
    reader = Reader()
    following = ahead(reader)
    following.on_item(SimpleNamespace(item=llm.ChatMessage(role="assistant", content=["Eighty euros."])))
    await settle()
    assert reader.read == [""]
    await following.aclose()


async def test_words_whose_turn_is_being_answered_are_not_read_any_more() -> None:
    reader = Reader()
    following = ahead(reader)
    for text in ("how", "how much"):
        following.on_transcript(heard(text))
        await settle()
    following.on_item(SimpleNamespace(item=llm.ChatMessage(role="user", content=["how much"])))
    reader.go.set()
    await settle()
    assert reader.read == ["how"]


async def test_what_every_prompt_begins_with_is_read_before_anybody_speaks() -> None:
    reader = Reader()
    following = ahead(reader)
    following.watch(SimpleNamespace(on=lambda *_: None, history=llm.ChatContext.empty()))  # type: ignore[arg-type]
    await settle()
    assert reader.read == [""]
    await following.aclose()


async def test_an_engine_that_is_away_ends_nothing() -> None:
    reader = Reader()
    following = ahead(reader)
    reader.go.set()
    following.on_transcript(heard("away"))
    await settle()
    following.on_transcript(heard("back"))
    await settle()
    assert reader.read == ["away", "back"]


async def test_where_there_is_nothing_to_read_the_model_is_left_alone() -> None:
    async def nothing(_: llm.ChatContext, text: str) -> list[dict[str, str]]:
        return []

    reader = Reader()
    following = Ahead(reader, SimpleNamespace(ahead=nothing), call_id="a")  # type: ignore[arg-type]  # all it uses
    following.on_transcript(heard("how much"))
    await settle()
    assert reader.read == []


async def test_what_was_thrown_in_while_the_agent_spoke_does_not_stand_before_the_next_question() -> None:
    reader = Reader()
    following = ahead(reader)
    reader.go.set()
    following.on_transcript(heard("mhm", is_final=True))
    following.on_item(SimpleNamespace(item=llm.ChatMessage(role="assistant", content=["From 7 am."])))
    following.on_transcript(heard("how much is a massage"))
    await settle()
    assert reader.read[-1] == "how much is a massage"
