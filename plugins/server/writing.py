"""Who writes an answer: the outside model where there is one, the local one otherwise, or when that one fails."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import BaseModel

from plugins.errors import EngineUnavailable
from plugins.llama.generation import Delta, Generation, Usage
from plugins.outside.model import OutsideModel
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


@dataclass
class Writing:
    """One answer being written. `fell_back`: the outside model was wanted and the local one stood in for it."""

    engine: Engine
    asked: Asked
    generation: Generation
    fell_back: bool = field(init=False, default=False)

    async def deltas(self) -> AsyncGenerator[Delta]:
        """The answer; leaving early stops whoever writes it.

        A grammar binds the local model alone, so what has one stays here. A prompt is read ahead only here, too.
        """
        async with aclosing(self._source()) as source:
            async for delta in source:
                yield delta

    def _source(self) -> AsyncGenerator[Delta]:
        outside = self.engine.outside
        if outside is None or self.generation.grammar:
            return self._here(self.generation)
        return self._there(outside) if self.generation.max_tokens else _nothing()

    async def _here(self, generation: Generation) -> AsyncGenerator[Delta]:
        """The local model's answer."""
        async with aclosing(self.engine.llama.use().generate(generation)) as stream:
            async for delta in stream:
                yield delta

    async def _there(self, outside: OutsideModel) -> AsyncGenerator[Delta]:
        """The outside model's answer; if it fails before its first word, the local one's."""
        has_begun = False
        try:
            async with aclosing(outside.write(self.asked.outside(self.generation))) as deltas:
                async for delta in deltas:
                    has_begun = True
                    yield delta
            OUTSIDE.labels(outcome="answered").inc()
            return
        except EngineUnavailable:
            OUTSIDE.labels(outcome="broke_off" if has_begun else "fell_back").inc()
            if has_begun:
                raise
        self.fell_back = True
        async with aclosing(self._here(self._instead())) as deltas:
            async for delta in deltas:
                yield delta

    def _instead(self) -> Generation:
        """What the local model is asked where the outside one failed."""
        if not (other := self.asked.fallback):
            return self.generation
        return replace(self.generation, messages=other.messages, grammar=other.grammar, tools=None, tool_choice=None)


async def _nothing() -> AsyncGenerator[Delta]:
    yield Delta(finish_reason="stop", usage=Usage(0, 0, 0))
