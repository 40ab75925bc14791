"""A typed conversation with the agent, its engine and its model played by the test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import NOT_GIVEN, AgentSession, APIConnectionError, llm
from livekit.agents.voice.room_io import TextInputEvent

from agent import phrases
from agent.assistant import Assistant
from agent.phrases import ONE_MOMENT, OUT_OF_ORDER
from agent.prompting import AnswerRules, Prompting
from agent.typed import TextDoor, too_long
from agent.waterfall import SOURCES_TOPIC, TURN_TOPIC, Waterfall
from plugins.client import EngineClient
from plugins.errors import EngineUnavailable
from tests.agent.breakfast import CANDIDATE, PASSAGE, SENTENCE


class Engine(EngineClient):
    """An engine that retrieves one passage, unless `away` says how often it does not answer."""

    def __init__(self) -> None:
        super().__init__("unix:nowhere")
        self.away = 0
        self.status = "ready"

    async def retrieve(self, query: str, **_: Any) -> dict[str, Any]:
        if self.away:
            self.away -= 1
            raise EngineUnavailable("away")
        return {"query": query, "passages": [PASSAGE], "candidates": [CANDIDATE], "answerable": True}

    async def health(self) -> dict[str, Any]:
        return {"status": self.status}


class Model(llm.LLM[Any]):
    """A model that says one answer after the other; an exception among the words is raised."""

    def __init__(self, *answers: list[str | Exception]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: Any = None,
        parallel_tool_calls: Any = NOT_GIVEN,
        tool_choice: Any = NOT_GIVEN,
        extra_kwargs: Any = NOT_GIVEN,
    ) -> llm.LLMStream:
        self.requests.append(extra_kwargs | {"messages": chat_ctx.to_provider_format("openai")[0]})
        return Words(self, self.answers.pop(0), chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Words(llm.LLMStream):
    def __init__(self, model: Model, words: list[str | Exception], **options: Any) -> None:
        super().__init__(model, **options)
        self._words = words
        self._retry_on_chunk_sent = False

    async def _run(self) -> None:
        for word in self._words:
            if isinstance(word, Exception):
                raise word
            self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content=word)))


class Talk:
    """A session without audio: what is typed, what is answered, what else the caller is told."""

    def __init__(
        self,
        tmp_path: Path,
        *answers: list[str | Exception],
        history: llm.ChatContext | None = None,
        open_question: str = "",
    ) -> None:
        self.is_told = False
        self.engine = Engine()
        self.model = Model(*answers)
        self.told: list[tuple[str, dict[str, Any]]] = []
        waterfall = Waterfall(self._tell)
        rules = AnswerRules("quote", "", collection="default", passages=5, history_messages=10, history_tokens=500)
        self.session: AgentSession[None] = AgentSession(
            llm=self.model, vad=None, turn_handling={"turn_detection": None}
        )
        self.session.on("conversation_item_added", lambda event: waterfall.said(event.item))
        self.door = TextDoor(waterfall, tell=self._tell, max_chars=100)
        self.assistant = Assistant(
            engine=self.engine,
            prompting=Prompting(self.engine, rules, documents_on=lambda: True),
            waterfall=waterfall,
            phrases=phrases.cached(tmp_path, voice=tmp_path / "voice.onnx"),
            greeting="Hello!",
            history=history,
            open_question=open_question,
            is_told=lambda: self.is_told,
        )

    def _tell(self, topic: str, content: dict[str, Any]) -> None:
        self.told.append((topic, content))

    async def __aenter__(self) -> "Talk":
        await self.session.start(self.assistant, record=False)
        await self.session.wait_for_idle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()

    async def ask(self, text: str, *, line: str | None = None) -> str:
        """Type `text`, numbered `line`, and return everything that is answered to it."""
        before = len(self.session.history.messages())
        attributes = {} if line is None else {"landline.line": line}
        info = rtc.TextStreamInfo("stream", "text/plain", "lk.chat", 0, None, attributes, [])
        await self.door.receive(self.session, TextInputEvent(text=text, info=info))
        await self.session.wait_for_idle()
        said = self.session.history.messages()[before:]
        return "".join(message.text_content or "" for message in said if message.role == "assistant")

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [content for name, content in self.told if name == topic]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("agent.apology.ASK_EVERY_S", 0)
    monkeypatch.setattr("agent.assistant.PATIENCE_S", 0.05)
    yield


async def test_an_answer_comes_with_its_sources(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        assert await talk.ask("when is breakfast") == SENTENCE
        [told] = talk.on(SOURCES_TOPIC)
        assert (told["answer"], told["sources"]) == (SENTENCE, [PASSAGE])
        assert talk.on(TURN_TOPIC)[0]["door"] == "text"


async def test_the_model_gets_the_grammar(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        await talk.ask("when is breakfast")
        [request] = talk.model.requests
        assert SENTENCE in request["grammar"]


async def test_the_next_question_comes_with_the_last_answer(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE], [SENTENCE]) as talk:
        await talk.ask("when is breakfast")
        await talk.ask("and on sunday")
        roles = [message["role"] for message in talk.model.requests[1]["messages"]]
        assert roles[-3:] == ["user", "assistant", "user"]
        assert talk.model.requests[1]["messages"][-2]["content"] == SENTENCE


async def test_a_question_left_open_is_answered_with_what_was_said_before(tmp_path: Path) -> None:
    history = llm.ChatContext.empty()
    history.add_message(role="user", content="when is breakfast")
    history.add_message(role="assistant", content=SENTENCE)
    async with Talk(tmp_path, [SENTENCE], history=history, open_question="and on sunday") as talk:
        said = [message["content"] for message in talk.model.requests[0]["messages"]]
        assert said[-3:-1] == ["when is breakfast", SENTENCE]
        assert "and on sunday" in said[-1]
        kept = [message.text_content for message in talk.assistant.chat_ctx.messages() if message.text_content]
    assert [text for text in kept if text != "Hello!"] == ["when is breakfast", SENTENCE, "and on sunday", SENTENCE]


async def test_a_turn_survives_an_engine_that_goes_away(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        talk.engine.away = 1
        assert await talk.ask("when is breakfast") == ONE_MOMENT + SENTENCE
        assert talk.on(TURN_TOPIC)[0]["retried"] is True


async def test_who_knows_of_the_outage_is_not_told_again(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        talk.engine.away, talk.is_told = 1, True
        assert await talk.ask("when is breakfast") == SENTENCE


async def test_a_turn_survives_a_model_that_breaks_off(tmp_path: Path) -> None:
    broken: list[str | Exception] = ["Breakfast is ", APIConnectionError("gone")]
    async with Talk(tmp_path, broken, [SENTENCE]) as talk:
        assert await talk.ask("when is breakfast") == f"Breakfast is {ONE_MOMENT}{SENTENCE}"
        assert talk.on(SOURCES_TOPIC)[0]["answer"] == SENTENCE


async def test_the_turn_after_an_outage_is_like_any_other(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        talk.engine.away, talk.engine.status = 1, "loading"
        assert await talk.ask("when is breakfast") == ONE_MOMENT + OUT_OF_ORDER
        talk.engine.status = "ready"
        assert await talk.ask("when is breakfast") == SENTENCE


async def test_a_long_message_is_cut_and_the_caller_is_told(tmp_path: Path) -> None:
    written: list[str] = []
    async with Talk(tmp_path, ["Hm."]) as talk:
        talk.session.output.transcription = Page(written)
        await talk.ask("when is breakfast " * 600)
        assert talk.model.requests[0]["messages"][-1]["content"].count("when is breakfast") < 20
    assert "".join(written).startswith(too_long(len("when is breakfast " * 600) - 1, 100))


@pytest.mark.parametrize("nothing", ["", "   ", "\n"])
async def test_an_empty_message_is_no_turn(tmp_path: Path, nothing: str) -> None:
    async with Talk(tmp_path) as talk:
        assert await talk.ask(nothing) == ""
        assert talk.model.requests == []


async def test_the_voice_is_off_while_a_typed_question_is_answered(tmp_path: Path) -> None:
    async with Talk(tmp_path, [SENTENCE]) as talk:
        states: list[bool] = []
        talk.session.on("agent_state_changed", lambda _: states.append(talk.session.output.audio_enabled))
        await talk.ask("when is breakfast")
        assert states and not any(states)
        assert talk.session.output.audio_enabled


class Page:
    """Where the text of the agent ends up."""

    def __new__(cls, written: list[str]) -> Any:
        from livekit.agents.voice import io

        class Sink(io.TextOutput):
            async def capture_text(self, text: str) -> None:
                written.append(text)

            def flush(self) -> None:
                pass

        return Sink(label="page", next_in_chain=None)


async def test_a_phrase_is_spoken_from_its_recording(tmp_path: Path) -> None:
    async with Talk(tmp_path) as talk:
        frames = talk.assistant.tts_node(_written("I am sorry, ", "one moment please."), None)  # type: ignore[arg-type]
        samples = sum([frame.samples_per_channel async for frame in frames])
        assert samples == phrases.tones().size


async def _written(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def test_a_numbered_message_is_confirmed_and_answered_once(tmp_path: Path) -> None:
    async with Talk(tmp_path, ["First."], ["Second."], ["Third."]) as talk:
        answers = [await talk.ask("hello", line=line) for line in ("1", "1", "2")]
    assert answers == ["First.", "", "Second."]
    assert talk.on("landline.received") == [{"line": "1"}, {"line": "1"}, {"line": "2"}]
