"""Answers that were given before, for the next caller who asks the same.

A request says with its `cache_key` that its answer depends on nothing else; what the request itself asks for (length,
grammar, format) is part of the key here. The models are those of this process, so none is ever another model's: what
the local one wrote for an outside one that was away is not kept.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

from plugins.llama.model import Delta, Generation
from plugins.server.metrics import ANSWERS_CACHED

MOST = 1000


class Answers:
    """At most `most` answers; what was not wanted for longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[Delta, ...]] = OrderedDict()

    def recall(self, key: str) -> tuple[Delta, ...] | None:
        """The answer as it was given before, if it was."""
        if not self._most:
            return None
        known = self._known.get(key)
        ANSWERS_CACHED.labels(outcome="hit" if known else "miss").inc()
        if known:
            self._known.move_to_end(key)
        return known

    async def learning(
        self, key: str, answer: AsyncIterator[Delta], *, is_kept: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Delta]:
        """The answer as it is made; it is kept if it comes to its own end, unless `is_kept` then says no."""
        deltas: list[Delta] = []
        async for delta in answer:
            deltas.append(_unread(delta))
            yield delta
        if is_kept() and any(delta.finish_reason == "stop" for delta in deltas):
            self._keep(key, tuple(deltas))

    def _keep(self, key: str, answer: tuple[Delta, ...]) -> None:
        self._known[key] = answer
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def _unread(delta: Delta) -> Delta:
    """A piece as it will be given again: nothing is read for it then."""
    return delta._replace(usage=delta.usage and replace(delta.usage, prefill_s=0.0))


def full_key(cache_key: str | None, generation: Generation) -> str | None:
    """What an answer is kept under; `None` where the model has tools or chance, or nobody asked for it."""
    if not cache_key or generation.tools or generation.temperature:
        return None
    wanted = (generation.max_tokens, generation.grammar, generation.json_schema, generation.stop)
    return f"{cache_key} {wanted!r}"


async def again(answer: tuple[Delta, ...]) -> AsyncGenerator[Delta]:
    """A kept answer as a stream."""
    for delta in answer:
        yield delta
