"""What a caller is told about each turn: its sources and where the time went."""

from typing import Any

import pytest
from livekit.agents import llm

from agent.waterfall import MOST_KEPT, SOURCES_TOPIC, TURN_TOPIC, Waterfall

PASSAGE = {"title": "Breakfast", "source": "breakfast.md", "text": "From 7 am.", "position": 0, "score": 0.9}


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Told:
    """What reached the caller, by topic."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, topic: str, content: dict[str, Any]) -> None:
        self.all.append((topic, content))

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [content for name, content in self.all if name == topic]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waterfall(told: Told, clock: Clock) -> Waterfall:
    return Waterfall(told, clock=clock)


def question(**metrics: float) -> llm.ChatMessage:
    return llm.ChatMessage(role="user", content=["when is breakfast"], metrics=metrics)  # type: ignore[arg-type]


def reply(**metrics: float) -> llm.ChatMessage:
    return llm.ChatMessage(role="assistant", content=["From 7 am."], metrics=metrics)  # type: ignore[arg-type]


def answer(waterfall: Waterfall, asked: llm.ChatMessage) -> None:
    turn = waterfall.begin(asked.id)
    waterfall.retrieved(turn)
    waterfall.text(turn, "From 7 am.")
    waterfall.answered(turn, [PASSAGE])


def test_sources_of_an_answer_made_ahead_wait_for_the_turn(waterfall: Waterfall, told: Told) -> None:
    asked = question()
    answer(waterfall, asked)
    assert told.all == []
    waterfall.said(asked)
    assert told.on(SOURCES_TOPIC) == [{"turn": asked.id, "answer": "From 7 am.", "sources": [PASSAGE]}]


def test_sources_of_an_answer_made_after_the_turn_are_told_at_its_end(waterfall: Waterfall, told: Told) -> None:
    asked = question()
    waterfall.said(asked)
    answer(waterfall, asked)
    assert len(told.on(SOURCES_TOPIC)) == 1


def test_an_answer_to_words_that_changed_is_never_told(waterfall: Waterfall, told: Told) -> None:
    answer(waterfall, question())
    final = question()
    waterfall.said(final)
    assert told.all == []


def test_an_answer_without_sources_shows_none(waterfall: Waterfall, told: Told) -> None:
    asked = question()
    waterfall.said(asked)
    waterfall.answered(waterfall.begin(asked.id), [])
    assert told.on(SOURCES_TOPIC) == []


def test_sources_are_told_once_even_if_the_answer_is_made_again(waterfall: Waterfall, told: Told) -> None:
    asked = question()
    waterfall.said(asked)
    answer(waterfall, asked)
    answer(waterfall, asked)
    assert len(told.on(SOURCES_TOPIC)) == 1


def test_a_broken_answer_starts_over(waterfall: Waterfall, told: Told) -> None:
    asked = question()
    waterfall.said(asked)
    turn = waterfall.begin(asked.id)
    waterfall.text(turn, "From ")
    answer(waterfall, asked)
    waterfall.said(reply())
    assert told.on(SOURCES_TOPIC)[0]["answer"] == "From 7 am."
    assert told.on(TURN_TOPIC)[0]["retried"] is True


def test_stages_are_told_in_milliseconds_when_the_agent_has_spoken(
    waterfall: Waterfall, told: Told, clock: Clock
) -> None:
    asked = question(end_of_turn_delay=0.35, transcription_delay=0.2)
    turn = waterfall.begin(asked.id)
    clock.now += 0.004
    waterfall.retrieved(turn)
    clock.now += 0.1
    waterfall.said(asked)
    waterfall.said(reply(llm_node_ttft=0.02, tts_node_ttfb=0.03, e2e_latency=0.4))
    [stages] = told.on(TURN_TOPIC)
    assert stages == {
        "turn": asked.id,
        "door": "voice",
        "interrupted": False,
        "retried": False,
        "end_of_turn_ms": 350.0,
        "transcript_ms": 200.0,
        "first_token_ms": 20.0,
        "first_audio_ms": 30.0,
        "answered_ms": 400.0,
        "retrieval_ms": pytest.approx(4.0),
        "ahead_ms": pytest.approx(104.0),
    }


def test_a_typed_turn_counts_from_its_arrival(waterfall: Waterfall, told: Told, clock: Clock) -> None:
    asked = question()
    waterfall.typed(asked.id)
    turn = waterfall.begin(asked.id)
    clock.now += 0.05
    waterfall.text(turn, "From")
    waterfall.said(asked)
    waterfall.said(reply())
    [stages] = told.on(TURN_TOPIC)
    assert (stages["door"], stages["answered_ms"]) == ("text", pytest.approx(50.0))


def test_the_greeting_is_no_turn(waterfall: Waterfall, told: Told) -> None:
    waterfall.said(reply())
    assert told.all == []


def test_unused_answers_are_forgotten(waterfall: Waterfall, told: Told) -> None:
    first = question()
    answer(waterfall, first)
    for _ in range(MOST_KEPT):
        answer(waterfall, question())
    waterfall.said(first)
    assert told.all == []
