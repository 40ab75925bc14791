"""The clock of a turn, on a clock of the test."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.agents import UserInputTranscribedEvent, UserStateChangedEvent, llm

from agent.turn_detector import AudioTurnStream, TurnClock, TurnDetector
from agent.turn_end import TurnRules

RULES = TurnRules(finished_s=0.25, open_s=0.45, longest_s=1.2)
DETECTION_S = 0.25


class Call:
    """A caller who speaks and is silent, in seconds."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.clock = TurnClock(RULES, detection_s=DETECTION_S, clock=lambda: self.now_s)

    def speak(self, text: str = "", *, seconds: float = 1.0) -> None:
        self.clock.on_user_state(UserStateChangedEvent(old_state="listening", new_state="speaking"))
        self.now_s += seconds + DETECTION_S
        self.clock.on_user_state(UserStateChangedEvent(old_state="speaking", new_state="listening"))
        if text:
            self.clock.words.on_transcript(UserInputTranscribedEvent(transcript=text, is_final=True))

    def be_silent(self, seconds: float) -> None:
        """More silence than the detector has already seen."""
        self.now_s += seconds


def commit(text: str, *, role: llm.ChatRole = "user") -> Any:
    return SimpleNamespace(item=llm.ChatMessage(role=role, content=[text]))


def test_the_silence_that_the_detector_saw_counts() -> None:
    call = Call()
    call.speak("is there a pool")
    assert call.clock.left_s("is there a pool") == pytest.approx(0.0)
    assert call.clock.left_s("a pool and") == pytest.approx(RULES.longest_s - DETECTION_S)


def test_the_wait_shrinks_with_the_silence() -> None:
    call = Call()
    call.speak("a pool and")
    call.be_silent(0.5)
    assert call.clock.left_s("a pool and") == pytest.approx(RULES.longest_s - DETECTION_S - 0.5)


def test_pauses_within_a_turn_are_learned_and_pauses_between_turns_are_not() -> None:
    call = Call()
    call.speak("a table")
    call.be_silent(0.35)
    call.speak("for two")
    call.be_silent(8.0)
    call.speak("thanks")
    assert list(call.clock.pauses_s) == [pytest.approx(0.6)]


def test_talking_over_the_agent_is_no_pause_within_a_turn() -> None:
    call = Call()
    call.speak("is there a pool")
    call.clock.on_item(commit("is there a pool"))
    call.be_silent(0.4)
    call.speak("wait")
    assert list(call.clock.pauses_s) == []


def test_what_the_agent_says_ends_no_turn_of_the_caller() -> None:
    call = Call()
    call.speak("a table")
    call.clock.on_item(commit("There is a pool.", role="assistant"))
    call.be_silent(0.35)
    call.speak("for two")
    assert list(call.clock.pauses_s) == [pytest.approx(0.6)]


def test_the_words_of_a_turn_are_those_since_the_last_one() -> None:
    call = Call()
    call.speak("is there a pool")
    call.clock.on_item(commit("is there a pool"))
    call.speak("and")
    call.speak("a sauna")
    assert call.clock.words.settled == "and a sauna"


async def test_livekit_is_answered_at_once_after_a_complete_question() -> None:
    call = Call()
    call.speak()
    chat = llm.ChatContext.empty()
    chat.add_message(role="user", content="is there a pool")
    async with asyncio.timeout(5):
        assert await TurnDetector(call.clock).predict_end_of_turn(chat) >= 0.5


async def test_the_audio_model_is_heard_before_the_wait() -> None:
    call = Call()
    call.speak("is there a pool")
    call.be_silent(5)
    scored: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    stream = AudioTurnStream(call.clock, SimpleNamespace(predict=lambda: scored))
    stream.predict()
    scored.set_result(SimpleNamespace(end_of_turn_probability=0.1))
    async with asyncio.timeout(5):
        assert await stream.unlikely_threshold(None) == 0.0
