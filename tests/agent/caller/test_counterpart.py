"""The agent as its caller sees it."""

import asyncio

import pytest

from agent.caller.counterpart import LOOK_EVERY_S, STATE, Counterpart
from agent.caller.errors import NoAgent
from agent.caller.script import Patience


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_an_agent_that_does_not_come_is_said_so() -> None:
    counterpart = Counterpart(Patience(agent_s=0.01), room="call-1")
    with pytest.raises(NoAgent, match=r"no agent joined room call-1.*landline worker"):
        await counterpart.arrival()


async def test_an_agent_that_is_seen_has_come() -> None:
    counterpart = Counterpart(Patience(), room="call-1")
    counterpart.seen({"landline.mode": "quote"})
    await counterpart.arrival()
    assert counterpart.attributes["landline.mode"] == "quote"


@pytest.mark.parametrize("state", ["speaking", "thinking"])
async def test_an_agent_that_is_busy_has_not_finished(state: str) -> None:
    counterpart = Counterpart(Patience(quiet_s=0.0, longest_answer_s=3 * LOOK_EVERY_S), room="call-1")
    counterpart.seen({STATE: state})
    with pytest.raises(TimeoutError):
        await counterpart.silence(lambda: 0.0)


async def test_an_idle_agent_has_finished_once_it_is_quiet() -> None:
    counterpart = Counterpart(Patience(quiet_s=1000.0, longest_answer_s=3 * LOOK_EVERY_S), room="call-1")
    counterpart.seen({STATE: "listening"})
    with pytest.raises(TimeoutError):
        await counterpart.silence(now_s)
    await counterpart.silence(lambda: now_s() - 1000.0)
