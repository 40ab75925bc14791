"""What calls and requests came to, for those who look after them: numbers and kinds, and nothing that was said.

A finished turn goes to the log, the engine's metrics and a trace; what could not be done goes to the engine, where the
owner's page and the metrics find it.
"""

import asyncio
import logging
from collections import Counter
from typing import Any, Literal

from agent.tracing import Traces
from agent.waterfall import numbers
from plugins.client import EngineClient
from plugins.errors import CODES, EngineError, EngineUnavailable

logger = logging.getLogger(__name__)

Json = dict[str, Any]

AGAIN_S = 5.0
"""Pause before the engine is told again what it could not take."""
ENGINES_OWN = frozenset(CODES) - {EngineUnavailable.code}
"""What the engine counts itself when it refuses something."""


class Reports:
    """Tells what happens in this process. `traces` are closed with it, the engine's client is not."""

    def __init__(
        self, engine: EngineClient, traces: Traces | None = None, *, process: Literal["web", "worker"] = "web"
    ) -> None:
        self._engine = engine
        self._traces = traces
        self._process = process
        self._troubles = Counter[str]()
        self._telling: asyncio.Task[None] | None = None

    async def turn(self, told: Json, *, call_id: str) -> None:
        """`told` is what `agent.waterfall.stages` says of it."""
        logger.info("turn answered", extra=told)
        if self._traces:
            self._traces.turn(told, call_id=call_id)
        try:
            await self._engine.report_turn(numbers(told) | {"call": call_id})
        except EngineError as error:
            logger.info("a turn is not counted: %s", error.code)

    def trouble(self, kind: str) -> None:
        """Something could not be done. While the engine is away it is told later."""
        if kind in ENGINES_OWN:
            return
        self._troubles[kind] += 1
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_troubles())

    async def _tell_troubles(self) -> None:
        while self._troubles:
            told = self._troubles.copy()
            try:
                await self._engine.report_errors(told, process=self._process)
                self._troubles -= told
            except EngineError:
                await asyncio.sleep(AGAIN_S)

    async def aclose(self) -> None:
        """Send the traces that are left."""
        if self._telling:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        if self._traces:
            await self._traces.aclose()
