"""Who writes an answer: the outside model where there is one, the local one otherwise, or when that one fails."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from pydantic import BaseModel

from plugins.errors import EngineUnavailable
from plugins.llama.generation import Delta, Generation, Usage
from plugins.server.engine import Engine
from plugins.server.metrics import OUTSIDE

Json = dict[str, Any]


class Fallback(BaseModel):
    """Ours: what the local model is asked instead when the outside one fails."""

    messages: list[Json]
    grammar: str | None = None


class Asked(Protocol):
    """The request as it came."""

    @property
    def fallback(self) -> Fallback | None: ...

    def outside(self, generation: Generation) -> Json: ...


async def write(engine: Engine, asked: Asked, generation: Generation) -> AsyncGenerator[Delta]:
    """The answer's deltas; leaving early stops whoever writes it.

    A grammar binds the local model alone, so what has one stays here. A prompt is read ahead only here, too.
    """
    outside = engine.outside
    if outside is None or generation.grammar:
        source = write_here(engine, generation)
    elif not generation.max_tokens:
        source = _nothing()
    else:
        source = _write_there(engine, asked, generation)
    async with aclosing(source):
        async for delta in source:
            yield delta


async def write_here(engine: Engine, generation: Generation) -> AsyncGenerator[Delta]:
    """The local model's answer."""
    async with aclosing(engine.llama.use().generate(generation)) as stream:
        async for delta in stream:
            yield delta


async def _write_there(engine: Engine, asked: Asked, generation: Generation) -> AsyncGenerator[Delta]:
    """The outside model's answer; if it fails before its first word, the local one's."""
    assert engine.outside
    has_begun = False
    try:
        async with aclosing(engine.outside.write(asked.outside(generation))) as deltas:
            async for delta in deltas:
                has_begun = True
                yield delta
        OUTSIDE.labels(outcome="answered").inc()
        return
    except EngineUnavailable:
        OUTSIDE.labels(outcome="broke_off" if has_begun else "fell_back").inc()
        if has_begun:
            raise
    if asked.fallback:
        other = asked.fallback
        generation = replace(generation, messages=other.messages, grammar=other.grammar, tools=None, tool_choice=None)
    async with aclosing(write_here(engine, generation)) as deltas:
        async for delta in deltas:
            yield delta


async def _nothing() -> AsyncGenerator[Delta]:
    yield Delta(finish_reason="stop", usage=Usage(0, 0, 0))
