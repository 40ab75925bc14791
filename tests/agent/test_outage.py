"""The engine goes away while somebody speaks."""

import asyncio
from typing import Any, Literal

import pytest
from livekit.agents import APIConnectionError, ErrorEvent, UserInputTranscribedEvent, UserStateChangedEvent, llm, stt

from agent.outage import Outage
from agent.phrases import ONE_MOMENT, OUT_OF_ORDER


class Scene:
    """An outage whose engine comes back, or is given up, when the test says so."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.back: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.outage = Outage(come_back=self._come_back, say=self.said.append)

    async def _come_back(self) -> bool:
        return await self.back

    def speaks(self) -> None:
        self._state("listening", "speaking")

    def stops(self) -> None:
        self._state("speaking", "listening")

    def _state(self, old: Literal["speaking", "listening"], new: Literal["speaking", "listening"]) -> None:
        self.outage.on_user_state(UserStateChangedEvent(old_state=old, new_state=new))

    def is_understood(self) -> None:
        self.outage.on_transcript(UserInputTranscribedEvent(transcript="hello", is_final=True))

    def hearing_fails(self, kind: Any = stt.STTError) -> None:
        error = kind(timestamp=0.0, label="", error=APIConnectionError("gone"), recoverable=True)
        self.outage.on_error(ErrorEvent(error=error, source=None))

    async def engine(self, comes_back: bool) -> None:
        self.back.set_result(comes_back)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_who_speaks_into_an_outage_hears_an_apology_at_the_end(scene: Scene) -> None:
    scene.speaks()
    scene.hearing_fails()
    assert scene.said == []
    scene.stops()
    assert scene.said == [ONE_MOMENT]


async def test_who_waits_for_an_answer_hears_it_at_once(scene: Scene) -> None:
    scene.speaks()
    scene.stops()
    scene.hearing_fails()
    assert scene.said == [ONE_MOMENT]


async def test_who_says_nothing_hears_nothing(scene: Scene) -> None:
    scene.speaks()
    scene.stops()
    scene.is_understood()
    scene.hearing_fails()
    assert scene.said == []


async def test_one_outage_brings_one_apology(scene: Scene) -> None:
    scene.hearing_fails()
    for _ in range(3):
        scene.speaks()
        scene.stops()
        scene.hearing_fails()
    assert scene.said == [ONE_MOMENT]


async def test_after_the_engine_is_back_nothing_is_said(scene: Scene) -> None:
    scene.hearing_fails()
    await scene.engine(comes_back=True)
    scene.speaks()
    scene.stops()
    assert scene.said == []
    assert not scene.outage.is_on


async def test_an_engine_that_stays_away_is_admitted_to_who_waits_for_it(scene: Scene) -> None:
    scene.hearing_fails()
    scene.speaks()
    scene.stops()
    await scene.engine(comes_back=False)
    assert scene.said == [ONE_MOMENT, OUT_OF_ORDER]


async def test_who_was_answered_in_the_meantime_hears_no_more_of_it(scene: Scene) -> None:
    scene.hearing_fails()
    scene.speaks()
    scene.stops()
    assert scene.outage.is_told
    scene.is_understood()
    await scene.engine(comes_back=False)
    assert scene.said == [ONE_MOMENT]
    assert not scene.outage.is_told


async def test_other_failures_are_the_assistants_matter(scene: Scene) -> None:
    scene.speaks()
    scene.stops()
    scene.hearing_fails(llm.LLMError)
    assert scene.said == []


async def test_a_call_that_ends_stops_waiting(scene: Scene) -> None:
    scene.hearing_fails()
    await scene.outage.aclose()
    assert not scene.outage.is_on
