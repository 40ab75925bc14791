"""What the HTTP door asks of the agent behind it: the values that go in and come out, and the protocol."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chat:
    """A conversation whose last message is to be answered.

    `messages` are OpenAI's with plain text as content. `options` are the fields of OpenAI's chat request that a model
    honours. `documents` None leaves it to the agent whether its owner's documents are used; `collection`, `title` and
    `source` narrow them down. A `conversation` that is named goes on with what is kept of it, not with what `messages`
    say of it; True begins one.
    """

    messages: Sequence[Json]
    options: Json = field(default_factory=dict[str, Any])
    documents: bool | None = None
    collection: str | None = None
    title: str = ""
    source: str = ""
    conversation: str | bool = False


@dataclass(frozen=True)
class Source:
    """A passage that an answer rests on, and where it stands."""

    title: str
    place: str
    passage: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of an answer. The last one has `finish_reason`, `usage`, the sources and the conversation's id."""

    text: str = ""
    tool_calls: Sequence[Json] = ()
    finish_reason: str | None = None
    usage: Json | None = None
    sources: Sequence[Source] = ()
    conversation: str | None = None


@dataclass(frozen=True)
class Word:
    """A word and when it is said, in seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Transcript:
    """What was said in one stretch of audio; without speech the text is empty."""

    text: str
    words: Sequence[Word]
    language: str
    confidence: float
    no_speech: float


@dataclass(frozen=True)
class Sound:
    """A piece of speech: 16-bit mono PCM."""

    pcm: bytes
    sample_rate_hz: int


@dataclass(frozen=True)
class Vectors:
    """One vector of length 1 for each text, and the model that made them."""

    model: str
    rows: Sequence[Sequence[float]]


class Agent(Protocol):
    """The agent behind the door. Everything raises `ApiError`; leaving a generator early stops the model."""

    def answer(self, chat: Chat) -> AsyncGenerator[Piece]: ...

    async def transcribe(self, pcm: bytes, *, language: str | None) -> Transcript:
        """One stretch of audio: 16 kHz, 16-bit, mono, at most `recording.LONGEST_CUT_S`."""
        ...

    def speak(self, text: str, *, voice: str | None, speed: float) -> AsyncGenerator[Sound]: ...

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors: ...

    async def models(self) -> Sequence[Json]:
        """OpenAI's rows: id, object, owned_by, and ours: kind, state, tier."""
        ...

    async def voices(self) -> Sequence[Json]:
        """Rows with an id."""
        ...

        ...

    async def aclose(self) -> None:
        """The door is closed: let go of whatever is held."""
        ...
