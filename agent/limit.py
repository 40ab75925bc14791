"""How many calls the machine may carry, as its engine sees it: all the lines, or fewer where answers would be slow."""

import asyncio
from collections import deque
from contextlib import suppress

from plugins.client import EngineClient
from plugins.errors import EngineError

ASK_EVERY_S = 1.0
ANSWER_S = 1.0
LAG_ASKS = 6
"""The door asks the engine too, and closes first: whoever it has just let in gets so many seconds to arrive."""


class Limit:
    """At most `lines`. Falls once the engine has said less for `LAG_ASKS` times in a row; rises at once."""

    def __init__(self, *, lines: int) -> None:
        self._lines = lines
        self._said = deque[int](maxlen=LAG_ASKS)

    @property
    def calls(self) -> int:
        """Calls that fit now."""
        return max(self._said, default=self._lines)

    @property
    def newest(self) -> int:
        """Calls that fit as the engine said last, for callers whom no door has let in."""
        return self._said[-1] if self._said else self._lines

    def learn(self, fits: int | None) -> None:
        """The engine says that so many calls fit; `None` if it is away and nothing is known."""
        if fits is None:
            self._said.clear()
        else:
            self._said.append(min(self._lines, fits))

    async def follow(self, engine_url: str) -> None:
        """Ask the engine again and again."""
        async with EngineClient(engine_url) as engine:
            while True:
                self.learn(await fitting(engine))
                await asyncio.sleep(ASK_EVERY_S)


async def fitting(engine: EngineClient) -> int | None:
    """Calls that fit in all, as the engine says; `None` while it is away or too busy to say."""
    with suppress(EngineError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            return (await engine.capacity())["fits"]
    return None
