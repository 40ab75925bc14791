"""The HTTP door on loopback with a hand-written agent behind it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from web.api.backend import Chat, Piece, Sound, Source, Transcript, Vectors, Word
from web.config import GuardRules, WebConfig
from web.server import create_app

Client = TestClient[web.Request, web.Application]
Json = dict[str, Any]

ENDS = Piece(
    finish_reason="stop",
    usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    sources=[Source("Breakfast", "breakfast.md", "Breakfast is at 7 am.", 0.9)],
    conversation="conv-1",
)


@dataclass
class FakeAgent:
    """Gives `pieces`, an error among them is raised. `gate` holds everything after the first piece up."""

    pieces: list[Piece | Exception] = field(default_factory=lambda: [Piece(text="Hello "), Piece(text="there."), ENDS])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Chat] = field(default_factory=list[Chat])
    left: asyncio.Event = field(default_factory=asyncio.Event)
    heard_s: list[float] = field(default_factory=list[float])
    languages: list[str | None] = field(default_factory=list[str | None])

    async def answer(self, chat: Chat) -> AsyncGenerator[Piece]:
        self.asked.append(chat)
        try:
            for number, piece in enumerate(self.pieces):
                if number:
                    await self.gate.wait()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.left.set()

    async def transcribe(self, pcm: bytes, *, language: str | None) -> Transcript:
        self.heard_s.append(len(pcm) / 32_000)
        self.languages.append(language)
        words = [Word("hello", 0.25, 0.5), Word("there", 0.5, 1.0)]
        return Transcript("hello there", words, "en", 0.9, 0.01)

    async def speak(self, text: str, *, voice: str | None, speed: float) -> AsyncGenerator[Sound]:
        for _ in text.split():
            yield Sound(b"\1\0" * 2205, 22_050)

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        return Vectors("compass", [[1.0, 0.0] if kind == "query" else [0.0, 1.0] for _ in texts])

    async def models(self) -> Sequence[Json]:
        return [{"id": "tiny.gguf", "object": "model", "created": 0, "owned_by": "landline", "kind": "llama"}]

    async def voices(self) -> Sequence[Json]:
        return [{"id": "voice"}]

    async def aclose(self) -> None:
        return


@pytest.fixture
def agent() -> FakeAgent:
    made = FakeAgent()
    made.gate.set()
    return made


@asynccontextmanager
async def opened(agent: FakeAgent, folder: Path, **rules: Any) -> AsyncIterator[Client]:
    """A door whose guard goes by `rules`."""

    async def starter() -> str:
        return "starter"

    config = WebConfig(
        host="127.0.0.1",
        port=0,
        livekit_url="ws://127.0.0.1:1",
        api_key="devkey",
        api_secret="a-secret-of-at-least-thirty-two-characters",
        agent_name="landline",
        max_calls=2,
        models_tier=starter,
        static_dir=folder,
        agent=agent,
        max_audio_s=40,
        guard=GuardRules(open_on_loopback=True, **rules),
    )
    async with TestClient(TestServer(create_app(config))) as client:
        yield client


@pytest.fixture
async def door(agent: FakeAgent, tmp_path: Path) -> AsyncIterator[Client]:
    async with opened(agent, tmp_path) as client:
        yield client


async def events(response: Any) -> list[str]:
    """What an event stream says, line by line."""
    return [line for line in (await response.text()).splitlines() if line]
