"""What is kept of a conversation: turns with their sources, and what of them a model is shown."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

_ID = re.compile(r"conv-[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class Message:
    """One side's words as they were heard; `role` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Source:
    """A passage that an answer rests on. `place` says where it stands in the document of this `title`."""

    title: str
    place: str
    passage: str
    score: float


def source_of(passage: Mapping[str, Any]) -> Source:
    """A passage as retrieval gives it; its file and its place there stand together."""
    where = ", ".join(filter(None, [str(passage["source"]), str(passage.get("place") or "")]))
    return Source(passage["title"], where, passage["text"], round(float(passage["score"]), 4))


@dataclass(frozen=True)
class Turn:
    """One question and its answer.

    `answer` is all that was written, `heard` what of it reached the caller before they interrupted, if they did.
    """

    door: str
    """"voice", "text", "phone" or "http"."""
    said: str
    answer: str
    heard: str
    interrupted: bool = False
    sources: tuple[Source, ...] = ()
    latencies_ms: Mapping[str, float] = field(default_factory=dict[str, float])
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """A turn that is added twice is kept once."""


@dataclass(frozen=True)
class Summary:
    """A conversation in a list. `doors` are those it went through, in alphabetical order."""

    id: str
    begun_at: datetime
    changed_at: datetime
    turns: int
    doors: tuple[str, ...]


@dataclass(frozen=True)
class Conversation:
    """A whole conversation, oldest turn first."""

    id: str
    begun_at: datetime
    changed_at: datetime
    turns: tuple[Turn, ...]

    def as_json(self) -> Json:
        """For an export: moments as ISO 8601."""
        turns = [asdict(turn) | {"at": turn.at.isoformat()} for turn in self.turns]
        begun, changed = self.begun_at.isoformat(), self.changed_at.isoformat()
        return {"id": self.id, "begun_at": begun, "changed_at": changed, "turns": turns}


def new_id() -> str:
    """An id that nobody can guess: whoever knows it may go on with the conversation."""
    return "conv-" + secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _ID.fullmatch(text) is not None


def messages_of(turns: Sequence[Turn], *, limit: int) -> list[Message]:
    """The newest `limit` messages of `turns`, oldest first; an answer of which nothing was heard is none."""
    messages = [
        message
        for turn in turns
        for message in (Message("user", turn.said), Message("assistant", turn.heard))
        if message.content
    ]
    return messages[-limit:]
