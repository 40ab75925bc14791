"""Where a finished turn is told: the log, the engine's metrics, and a trace. Numbers, and nothing that was said."""

import logging
from typing import Any

from agent.tracing import Traces
from agent.waterfall import numbers
from plugins.client import EngineClient
from plugins.errors import EngineError

logger = logging.getLogger(__name__)

Json = dict[str, Any]


class Reports:
    """Tells the turns of one process or call. `traces` are closed with it, the engine's client is not."""

    def __init__(self, engine: EngineClient, traces: Traces | None = None) -> None:
        self._engine = engine
        self._traces = traces

    async def turn(self, told: Json, *, call_id: str) -> None:
        """`told` is what `agent.waterfall.stages` says of it."""
        logger.info("turn answered", extra=told)
        if self._traces:
            self._traces.turn(told, call_id=call_id)
        try:
            await self._engine.report_turn(numbers(told) | {"call": call_id})
        except EngineError as error:
            logger.info("a turn is not counted: %s", error.code)

    async def aclose(self) -> None:
        """Send the traces that are left."""
        if self._traces:
            await self._traces.aclose()
