"""The agent as its caller sees it: whether it has come, what it says of itself, and whether it has finished."""

import asyncio
from collections.abc import Callable, Mapping

from agent.caller.errors import NoAgent
from agent.caller.script import Patience

STATE = "lk.agent.state"
IDLE_STATES = ("listening", "idle")
LOOK_EVERY_S = 0.05


class Counterpart:
    """The agent in one room, which is waited for with `patience`."""

    def __init__(self, patience: Patience, *, room: str) -> None:
        self._patience = patience
        self._room = room
        self._is_here = asyncio.Event()
        self.attributes: Mapping[str, str] = {}

    def seen(self, attributes: Mapping[str, str]) -> None:
        """It is there, with these attributes."""
        self.attributes = dict(attributes)
        self._is_here.set()

    async def arrival(self) -> None:
        """Wait until it is there. Raises `NoAgent`."""
        try:
            async with asyncio.timeout(self._patience.agent_s):
                await self._is_here.wait()
        except TimeoutError as error:
            raise NoAgent(
                f"no agent joined room {self._room} within {self._patience.agent_s:.0f} s; "
                "is a worker running? (`landline worker`)"
            ) from error

    async def silence(self, last_sign_s: Callable[[], float]) -> None:
        """Wait until it is idle and has long been quiet; `last_sign_s` tells when it last was not, on the loop's clock.

        Raises `TimeoutError`.
        """
        async with asyncio.timeout(self._patience.longest_answer_s):
            while not self._has_finished(last_sign_s()):  # noqa: ASYNC110  # silence is not an event
                await asyncio.sleep(LOOK_EVERY_S)

    def _has_finished(self, last_sign_s: float) -> bool:
        is_idle = self.attributes.get(STATE, IDLE_STATES[0]) in IDLE_STATES
        return is_idle and asyncio.get_running_loop().time() - last_sign_s >= self._patience.quiet_s
