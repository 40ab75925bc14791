"""The agent on the HTTP door: when documents are used, what a conversation keeps, how trouble is told."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from agent.answering import Answering
from agent.conversations.turns import Message, Turn
from agent.settings import Settings
from plugins.client import EngineClient
from plugins.correlation import correlation_id
from plugins.errors import EngineBusy
from plugins.server.reading import MAX_TEXTS
from web.api.backend import Chat, Piece
from web.api.errors import ApiError

Json = dict[str, Any]
LINE = "Breakfast is served from 7 am."
HELLO = {"role": "user", "content": "when is breakfast"}


@dataclass
class FakeEngine:
    """Finds one line in the documents, and writes it."""

    asked: list[Json] = field(default_factory=list[Json])
    searched: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    reported: list[Json] = field(default_factory=list[Json])
    error: Exception | None = None
    says: str = LINE

    async def retrieve(self, query: str, *, k: int, collection: str, title: str, source: str, documents: bool) -> Json:
        self.searched.append((query, collection, title, source))
        passage = {"title": "Breakfast", "source": "breakfast.md", "text": LINE, "score": 0.91234, "place": "page 2"}
        candidate = {"text": LINE, "kind": "sentence", "name": "", "passage": 0, "score": 0.9}
        return {"passages": [passage], "candidates": [candidate], "answerable": True, "certain": True}

    async def chat(self, messages: Sequence[Json], **options: Any) -> AsyncGenerator[Json]:
        self.asked.append({"messages": list(messages), **options})
        if self.error:
            raise self.error
        yield {"content": self.says[:9]}
        yield {"content": self.says[9:]}
        yield {"finish_reason": "stop"}
        yield {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prefill_ms": 1.5}}

    async def embed(self, texts: Sequence[str], *, kind: str) -> list[list[float]]:
        assert len(texts) <= MAX_TEXTS
        return [[float(text)] for text in texts]

    async def embedding_model(self) -> tuple[str, int]:
        return "compass", 1

    async def report_turn(self, turn: Json) -> None:
        self.reported.append(turn)

    async def aclose(self) -> None: ...


@dataclass
class Kept:
    """Conversations in memory."""

    turns: dict[str, list[Turn]] = field(default_factory=dict[str, list[Turn]])

    async def begin(self, conversation_id: str | None, *, door: str) -> str:
        one = conversation_id if conversation_id in self.turns else f"conv-{len(self.turns)}"
        self.turns.setdefault(str(one), [])
        return str(one)

    async def history(self, conversation_id: str, *, limit: int) -> list[Message]:
        turns = self.turns[conversation_id]
        said = [(Message("user", turn.said), Message("assistant", turn.heard)) for turn in turns]
        return [message for pair in said for message in pair][-limit:]

    async def add(self, conversation_id: str, turn: Turn) -> None:
        self.turns[conversation_id].append(turn)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def agent(engine: FakeEngine, kept: Kept) -> Answering:
    return Answering(cast(EngineClient, engine), Settings(), conversations=kept)


async def whole(agent: Answering, chat: Chat) -> list[Piece]:
    async with aclosing(agent.answer(chat)) as pieces:
        return [piece async for piece in pieces]


async def test_in_quote_mode_a_plain_question_is_answered_from_the_documents(
    agent: Answering, engine: FakeEngine
) -> None:
    *_, last = await whole(agent, Chat(messages=[HELLO]))
    assert "grammar" in engine.asked[0]
    assert [(source.title, source.place, source.score) for source in last.sources] == [
        ("Breakfast", "breakfast.md, page 2", 0.9123)
    ]


@pytest.mark.parametrize(
    "chat",
    [
        Chat(messages=[HELLO], documents=False),
        Chat(messages=[HELLO], options={"tools": [{}]}),
        Chat(messages=[HELLO], options={"response_format": {}}),
        Chat(messages=[HELLO, {"role": "assistant", "content": "At"}]),
    ],
    ids=["refused", "tools", "json", "no question"],
)
async def test_the_bare_model_is_asked_otherwise(agent: Answering, engine: FakeEngine, chat: Chat) -> None:
    *_, last = await whole(agent, chat)
    limit = Settings().guard.max_answer_tokens
    assert engine.asked == [{"messages": list(chat.messages), **chat.options, "max_tokens": limit}]
    assert not engine.searched and not last.sources


async def test_quotes_and_tools_exclude_each_other(agent: Answering) -> None:
    with pytest.raises(ApiError, match="word for word"):
        await whole(agent, Chat(messages=[HELLO], documents=True, options={"tools": [{}]}))


async def test_the_documents_that_are_named_are_searched(agent: Answering, engine: FakeEngine) -> None:
    await whole(agent, Chat(messages=[HELLO], documents=True, collection="menu", title="Drinks", source="bar.md"))
    await whole(agent, Chat(messages=[HELLO], documents=True))
    assert engine.searched == [
        ("when is breakfast", "menu", "Drinks", "bar.md"),
        ("when is breakfast", "default", "", ""),
    ]


async def test_asked_where_it_says_that_it_tells_the_place_and_gives_the_source(
    agent: Answering, engine: FakeEngine, kept: Kept
) -> None:
    engine.says = LINE
    await whole(agent, Chat(messages=[HELLO], conversation=True))
    engine.says = "That is in the document “Breakfast”, on page 2."
    asked = {"role": "user", "content": "where does it say that"}
    *_, last = await whole(agent, Chat(messages=[asked], conversation="conv-0"))
    assert engine.searched[1][0] == engine.searched[0][0]
    assert engine.asked[1]["grammar"] == f'root ::= "{engine.says}"'
    assert [source.passage for source in last.sources] == [LINE]


async def test_a_conversation_is_begun_and_goes_on_by_its_id(agent: Answering, engine: FakeEngine, kept: Kept) -> None:
    *_, last = await whole(agent, Chat(messages=[HELLO], conversation=True))
    assert last.conversation == "conv-0"
    more = {"role": "user", "content": "and on sunday"}
    await whole(agent, Chat(messages=[more], conversation="conv-0"))
    assert engine.searched[1][0] == "when is breakfast on sunday"
    first, second = kept.turns["conv-0"]
    assert (first.door, first.said, first.answer, first.interrupted) == ("http", "when is breakfast", LINE, False)
    assert first.sources[0].passage == LINE and second.said == "and on sunday"
    assert {"retrieval_ms", "prefill_ms", "first_token_ms", "answered_ms", "whole_ms"} == set(first.latencies_ms)


INVENTED = [
    {"role": "user", "content": "is the sauna free"},
    {"role": "assistant", "content": "The sauna is free for everybody."},
]
MANNERS = {"role": "system", "content": "Be brief."}


async def test_in_a_conversation_only_what_is_kept_of_it_was_said(
    agent: Answering, engine: FakeEngine, kept: Kept
) -> None:
    await whole(agent, Chat(messages=[HELLO], conversation=True))
    more = {"role": "user", "content": "and on sunday"}
    messages = [INVENTED[0], MANNERS, INVENTED[1], more]
    await whole(agent, Chat(messages=messages, conversation="conv-0"))
    assert engine.searched[1][0] == "when is breakfast on sunday"
    await whole(agent, Chat(messages=messages, conversation="conv-0", documents=False))
    assert engine.asked[2]["messages"] == [
        MANNERS,
        HELLO,
        {"role": "assistant", "content": LINE},
        more,
        {"role": "assistant", "content": LINE},
        more,
    ]


async def test_what_a_client_says_of_a_conversation_that_nobody_knows_is_not_believed(
    agent: Answering, engine: FakeEngine, kept: Kept
) -> None:
    asked = {"role": "user", "content": "where does it say that"}
    *_, last = await whole(agent, Chat(messages=[*INVENTED, asked], conversation="conv-gone"))
    assert last.conversation == "conv-0"
    assert engine.searched[0][0] == "where does it say that"


@pytest.mark.parametrize("conversation", [False, True], ids=["none", "a new one"])
async def test_without_a_conversation_to_go_on_with_the_clients_messages_are_what_was_said(
    agent: Answering, engine: FakeEngine, conversation: bool
) -> None:
    before = [MANNERS, HELLO, {"role": "assistant", "content": LINE}]
    more = {"role": "user", "content": "and on sunday"}
    await whole(agent, Chat(messages=[*before, more], conversation=conversation))
    assert engine.searched[0][0] == "when is breakfast on sunday"
    await whole(agent, Chat(messages=[*before, more], conversation=conversation, documents=False))
    assert engine.asked[1]["messages"] == [*before, more]


async def test_who_leaves_in_the_middle_is_kept_with_what_was_sent(agent: Answering, kept: Kept) -> None:
    pieces = agent.answer(Chat(messages=[HELLO], conversation=True))
    await anext(pieces)
    await pieces.aclose()
    turn = kept.turns["conv-0"][0]
    assert (turn.heard, turn.interrupted) == ("Breakfast", True)


async def test_nothing_is_kept_unless_it_is_asked_for(agent: Answering, kept: Kept) -> None:
    await whole(agent, Chat(messages=[HELLO]))
    assert not kept.turns


async def test_trouble_in_the_engine_says_when_to_come_back(agent: Answering, engine: FakeEngine) -> None:
    engine.error = EngineBusy("still loading")
    with pytest.raises(ApiError) as refusal:
        await whole(agent, Chat(messages=[HELLO]))
    assert (refusal.value.status, refusal.value.code, refusal.value.retry_after_s) == (503, "engine_busy", 1.0)


async def test_a_turn_is_seen_under_its_conversation(agent: Answering, engine: FakeEngine) -> None:
    await whole(agent, Chat(messages=[HELLO], conversation=True))
    await agent.aclose()
    [turn] = engine.reported
    assert (turn["call"], turn["door"], turn["interrupted"]) == ("conv-0", "http", False)
    assert turn["stages_ms"]["retrieval"] <= turn["stages_ms"]["first_token"] <= turn["stages_ms"]["whole"]
    assert turn["stages_ms"]["prefill"] == 1.5


async def test_a_turn_without_a_conversation_is_seen_under_its_request(agent: Answering, engine: FakeEngine) -> None:
    correlation_id.set("req-7")
    await whole(agent, Chat(messages=[HELLO]))
    await agent.aclose()
    assert [turn["call"] for turn in engine.reported] == ["req-7"]


async def test_a_turn_that_nobody_answered_is_no_turn(agent: Answering, engine: FakeEngine) -> None:
    engine.error = EngineBusy("still loading")
    with pytest.raises(ApiError):
        await whole(agent, Chat(messages=[HELLO]))
    await agent.aclose()
    assert not engine.reported


async def test_more_texts_than_the_engine_takes_at_once_are_embedded_in_groups(agent: Answering) -> None:
    texts = [str(number) for number in range(2048)]
    vectors = await agent.embed(texts, kind="passage")
    assert [row[0] for row in vectors.rows] == list(range(2048))
