"""The agent on the HTTP door: retrieval, prompt, model, conversation, for whoever asks in OpenAI's shapes."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

from livekit.agents import llm

from agent.citing import cited
from agent.conversations import turns as kept
from agent.database import DatabaseError
from agent.prompting import AnswerRules, Prompt, Prompting, answer_rules
from agent.reporting import Reports
from agent.settings import Settings
from plugins.client import EngineClient
from plugins.correlation import correlation_id
from plugins.errors import EngineError
from web.api.backend import Chat, Piece, Sound, Source, Transcript, Vectors, Word
from web.api.errors import ApiError

Json = dict[str, Any]

logger = logging.getLogger(__name__)

DOOR = "http"
RETRY_AFTER_S = 1.0
TOGETHER = 8
"""Texts that are embedded in one go: more would keep a caller's question waiting."""


class Conversations(Protocol):
    """Where conversations are kept. Every method raises `DatabaseError`."""

    async def begin(self, conversation_id: str | None, *, door: str) -> str: ...

    async def history(self, conversation_id: str, *, limit: int) -> Sequence[kept.Message]: ...

    async def add(self, conversation_id: str, turn: kept.Turn) -> None: ...


@dataclass
class Turn:
    """One request while it is being answered. `began_s` and `first_s` are moments on `time.monotonic`."""

    said: str
    conversation: str | None
    history: Sequence[Json]
    id: str = field(default_factory=lambda: f"turn_{secrets.token_hex(6)}")
    at_s: float = field(default_factory=time.time)
    """When it arrived, in seconds since 1970."""
    began_s: float = field(default_factory=time.monotonic)
    retrieved_s: float | None = None
    first_s: float | None = None
    prefill_ms: float | None = None
    retrieval: Json | None = None
    answer: str = ""
    is_whole: bool = False

    @property
    def sources(self) -> tuple[kept.Source, ...]:
        """What the answer rests on."""
        return tuple(map(kept.source_of, cited(self.answer, self.retrieval))) if self.retrieval else ()

    def heard(self, text: str) -> None:
        """More of the answer goes out."""
        self.first_s = self.first_s or time.monotonic()
        self.answer += text

    def told(self) -> Json:
        """Its waterfall so far, as `agent.waterfall.stages` tells a typed turn's; `whole_ms` is until now."""
        moments = {"retrieval_ms": self.retrieved_s, "first_token_ms": self.first_s, "answered_ms": self.first_s}
        moments |= {"whole_ms": time.monotonic()}
        times = {name: round(1000 * (at - self.began_s), 1) for name, at in moments.items() if at is not None}
        if self.prefill_ms is not None:
            times["prefill_ms"] = self.prefill_ms
        facts = {"interrupted": not self.is_whole, "retried": False, "speculation": "none", "thrown_away": 0}
        return {"turn": self.id, "at_s": round(self.at_s, 3), "door": DOOR, **facts, **times}

    def exchange(self, told: Json) -> kept.Turn:
        """What is kept of it: nothing counts as heard that was not sent."""
        return kept.Turn(
            door=DOOR,
            said=self.said,
            answer=self.answer,
            heard=self.answer,
            interrupted=not self.is_whole,
            sources=self.sources,
            latencies_ms={name: value for name, value in told.items() if name.endswith("_ms")},
        )


class Answering:
    """`web.api.backend.Agent` over the engine, whose client it closes with itself."""

    def __init__(
        self,
        engine: EngineClient,
        settings: Settings,
        *,
        conversations: Conversations | None = None,
        reports: Reports | None = None,
    ) -> None:
        self._engine = engine
        self._reports = reports or Reports(engine)
        self._reporting: set[asyncio.Task[None]] = set()
        self._rules = answer_rules(settings)
        self._limits: Json = {
            "max_tokens": settings.answer.max_tokens,
            "temperature": settings.answer.temperature,
        }
        self._most_tokens = settings.guard.max_answer_tokens
        self._language = None if settings.models.language == "auto" else settings.models.language
        self._conversations = conversations

    async def answer(self, chat: Chat) -> AsyncGenerator[Piece]:
        """The answer to the last message: from the documents, or from the bare model."""
        with refusals():
            turn = await self._begin(chat)
            messages, options = await self._prompt(chat, turn)
            try:
                async with aclosing(self._engine.chat(messages, **options)) as deltas:
                    async for piece in _pieces(deltas, turn):
                        yield piece
            finally:
                told = turn.told()
                self._report(turn, told)
                await self._keep(turn, told)

    async def _begin(self, chat: Chat) -> Turn:
        """What is asked, and what was said before: what is stored of a conversation that goes on by its id, whatever
        the client says was said in it; else the client's own messages."""
        said = str(chat.messages[-1]["content"]) if chat.messages[-1]["role"] == "user" else ""
        before = list(chat.messages[:-1])
        if not chat.conversation or (chat.conversation is True and self._conversations is None):
            return Turn(said, None, before)
        if self._conversations is None:
            raise ApiError("conversations are not kept here", param="conversation")
        if not said:
            raise ApiError("the last message of a conversation must be the user's", param="messages")
        if chat.conversation is True:
            return Turn(said, await self._conversations.begin(None, door=DOOR), before)
        conversation = await self._conversations.begin(chat.conversation, door=DOOR)
        stored = await self._conversations.history(conversation, limit=self._rules.history_messages)
        instructions = [message for message in before if message["role"] == "system"]
        return Turn(said, conversation, [*instructions, *map(asdict, stored)])

    async def _prompt(self, chat: Chat, turn: Turn) -> tuple[Sequence[Json], Json]:
        """The messages for the model and the options of the request."""
        if not self._is_grounded(chat, turn):
            return [*turn.history, chat.messages[-1]], self._capped(chat.options)
        prompt = await self._grounded(chat, turn)
        turn.retrieval, turn.retrieved_s = prompt.retrieval, time.monotonic()
        return prompt.messages, self._capped(self._limits | chat.options) | prompt.options

    def _capped(self, options: Json) -> Json:
        """No more tokens than an answer may ask for."""
        wanted = options.get("max_tokens", self._most_tokens)
        return options | {"max_tokens": min(wanted, self._most_tokens)}

    def _is_grounded(self, chat: Chat, turn: Turn) -> bool:
        """Whether the documents are used; where the request leaves it open, in quote mode for a plain answer."""
        is_shaped = "tools" in chat.options or "response_format" in chat.options
        if chat.documents is None:
            return self._rules.mode == "quote" and bool(turn.said.strip()) and not is_shaped
        if chat.documents and not turn.said.strip():
            raise ApiError("the last message must be the user's question to the documents", param="messages")
        if chat.documents and is_shaped and self._rules.mode == "quote":
            raise ApiError(
                "answers are word for word from the documents here, so they cannot have tools or a response_format; "
                "send documents: false, or ask the owner for ANSWER_MODE=free",
                param="documents",
            )
        return chat.documents

    async def _grounded(self, chat: Chat, turn: Turn) -> Prompt:
        prompting = Prompting(self._engine, self._rules_for(chat, turn), documents_on=lambda: True)
        context = llm.ChatContext.empty()
        for message in turn.history:
            if message["role"] in ("user", "assistant") and message["content"]:
                context.add_message(role=message["role"], content=message["content"])
        question = context.add_message(role="user", content=turn.said)
        return await prompting.prompt(context, question)

    def _rules_for(self, chat: Chat, turn: Turn) -> AnswerRules:
        """The owner's rules, with the instructions and the choice of documents that the request brings."""
        own = [str(message["content"]) for message in turn.history if message["role"] == "system"]
        instructions = "\n\n".join([self._rules.instructions, *own])
        collection = chat.collection or self._rules.collection
        return replace(
            self._rules, instructions=instructions, collection=collection, title=chat.title, source=chat.source
        )

    def _report(self, turn: Turn, told: Json) -> None:
        """Have a turn seen that came as far as an answer; who asked does not wait for it."""
        if turn.first_s is None and not turn.is_whole:
            return
        reporting = asyncio.create_task(self._reports.turn(told, call_id=turn.conversation or correlation_id.get()))
        self._reporting.add(reporting)
        reporting.add_done_callback(self._reporting.discard)

    async def _keep(self, turn: Turn, told: Json) -> None:
        """Add what was said and answered to the conversation, also when the client has left in the middle."""
        if turn.conversation and self._conversations:
            adding = self._conversations.add(turn.conversation, turn.exchange(told))
            try:
                await asyncio.shield(asyncio.ensure_future(adding))
            except DatabaseError as error:
                logger.warning("a turn is not kept: %s", error)

    async def transcribe(self, pcm: bytes, *, language: str | None) -> Transcript:
        """What is said in one stretch of audio."""
        with refusals():
            said = await self._engine.transcribe(pcm, language=language or self._language)
        words = [Word(word["text"], word["start_s"], word["end_s"]) for word in said["words"]]
        return Transcript(said["text"], words, said["language"], said["confidence"], said["no_speech"])

    async def speak(self, text: str, *, voice: str | None, speed: float) -> AsyncGenerator[Sound]:
        """Speech, clause by clause as it is made."""
        with refusals():
            async with aclosing(self._engine.speak(text, voice=voice, speed=speed)) as pieces:
                async for piece in pieces:
                    yield Sound(piece.pcm, piece.sample_rate_hz)

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        """One vector for each text, a few at a time so that callers' questions come in between."""
        rows: list[list[float]] = []
        with refusals():
            for start in range(0, len(texts), TOGETHER):
                rows += await self._engine.embed(texts[start : start + TOGETHER], kind=kind)
            model, _ = await self._engine.embedding_model()
        return Vectors(model, rows)

    async def models(self) -> Sequence[Json]:
        """The engine's models as OpenAI lists them."""
        with refusals():
            rows = (await self._engine.models())["data"]
        return [_model_row(row) for row in rows if row["kind"] != "knowledge"]

    async def voices(self) -> Sequence[Json]:
        """The engine's voices."""
        with refusals():
            return [{"id": voice["id"]} for voice in (await self._engine.voices())["voices"]]

    async def aclose(self) -> None:
        """Send what is still to be told, and close the connections to the engine."""
        await asyncio.gather(*self._reporting)
        await self._reports.aclose()
        await self._engine.aclose()


@contextmanager
def refusals() -> Generator[None]:
    """What goes wrong in the engine or the database, as the HTTP door tells it."""
    try:
        yield
    except DatabaseError as error:
        message = f"conversations cannot be read just now: {error}"
        raise ApiError(message, status=503, code="conversations_away", retry_after_s=RETRY_AFTER_S) from error
    except EngineError as error:
        wait_s = RETRY_AFTER_S if error.retryable else None
        raise ApiError(str(error), status=error.status, code=error.code, retry_after_s=wait_s) from error


async def _pieces(deltas: AsyncGenerator[Json], turn: Turn) -> AsyncGenerator[Piece]:
    """Deltas as they come; the end waits for the usage, which comes after it."""
    reason: str | None = None
    usage: Json | None = None
    async for delta in deltas:
        reason, usage = delta.get("finish_reason") or reason, delta.get("usage") or usage
        text, calls = delta.get("content", ""), delta.get("tool_calls", ())
        if text:
            turn.heard(text)
        if text or calls:
            yield Piece(text=text, tool_calls=[_without_index(call) for call in calls])
    turn.is_whole, turn.prefill_ms = True, (usage or {}).get("prefill_ms")
    sources = [Source(**asdict(source)) for source in turn.sources]
    yield Piece(finish_reason=reason or "stop", usage=usage, sources=sources, conversation=turn.conversation)


def _without_index(call: Json) -> Json:
    return {name: value for name, value in call.items() if name != "index"}


def _model_row(row: Json) -> Json:
    kept = {name: row[name] for name in ("id", "object", "owned_by", "kind", "state", "tier")}
    return kept | {"created": 0}
