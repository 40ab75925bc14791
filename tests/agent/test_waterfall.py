"""What a caller is told about each turn: its sources and where the time went."""

from typing import Any

import pytest
from livekit.agents import llm

from agent.conversations.turns import Source
from agent.conversations.turns import Turn as KeptTurn
from agent.waterfall import MOST_KEPT, SOURCES_TOPIC, TURN_TOPIC, Waterfall, numbers
from plugins.llama.llm import PREFILL

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
    return llm.ChatMessage(role="assistant", content=["From 7 am."], metrics=metrics, extra={PREFILL: 7.5})  # type: ignore[arg-type]


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
    asked = question(end_of_turn_delay=0.35, transcription_delay=0.2, stopped_speaking_at=1000.5)
    waterfall.decoded(31.0)
    turn = waterfall.begin(asked.id)
    clock.now += 0.004
    waterfall.retrieved(turn)
    clock.now += 0.1
    waterfall.said(asked)
    waterfall.said(reply(llm_node_ttft=0.02, tts_node_ttfb=0.03, playback_latency=0.01, e2e_latency=0.4))
    [stages] = told.on(TURN_TOPIC)
    assert stages == {
        "turn": asked.id,
        "at_s": 1000.5,
        "door": "voice",
        "interrupted": False,
        "retried": False,
        "speculation": "used",
        "thrown_away": 0,
        "decode_ms": 31.0,
        "prefill_ms": 7.5,
        "sent_ms": 10.0,
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


def take_turn(waterfall: Waterfall, asked: llm.ChatMessage) -> None:
    waterfall.said(asked)
    waterfall.said(reply())


def test_answers_to_words_that_changed_are_counted_with_the_turn(waterfall: Waterfall, told: Told) -> None:
    answer(waterfall, question())
    answer(waterfall, question())
    asked = question()
    answer(waterfall, asked)
    take_turn(waterfall, asked)
    take_turn(waterfall, question())
    assert [turn["thrown_away"] for turn in told.on(TURN_TOPIC)] == [2, 0]


def test_forgotten_answers_were_thrown_away_too(waterfall: Waterfall, told: Told) -> None:
    for _ in range(MOST_KEPT + 3):
        answer(waterfall, question())
    take_turn(waterfall, question())
    assert told.on(TURN_TOPIC)[0]["thrown_away"] == MOST_KEPT + 3


def test_an_answer_begun_because_the_turn_was_over_is_no_speculation(
    waterfall: Waterfall, told: Told, clock: Clock
) -> None:
    asked = question()
    waterfall.begin(asked.id)
    clock.now += 0.005
    take_turn(waterfall, asked)
    assert told.on(TURN_TOPIC)[0]["speculation"] == "none"


def test_a_typed_line_throws_no_spoken_answer_away(waterfall: Waterfall, told: Told) -> None:
    spoken, typed = question(), question()
    answer(waterfall, spoken)
    waterfall.typed(typed.id)
    take_turn(waterfall, typed)
    take_turn(waterfall, spoken)
    assert [turn["thrown_away"] for turn in told.on(TURN_TOPIC)] == [0, 0]


def test_what_is_counted_of_a_turn_is_numbers(waterfall: Waterfall, told: Told) -> None:
    take_turn(waterfall, question(end_of_turn_delay=0.35))
    counted = numbers(told.on(TURN_TOPIC)[0])
    assert counted == {
        "door": "voice",
        "interrupted": False,
        "retried": False,
        "speculation": "none",
        "thrown_away": 0,
        "stages_ms": {"end_of_turn": 350.0, "prefill": 7.5},
    }


class Kept(list[KeptTurn]):
    """The turns that the conversation keeps."""

    __call__ = list[KeptTurn].append


def interrupted(heard: str) -> llm.ChatMessage:
    return llm.ChatMessage(role="assistant", content=[heard], interrupted=True)


def test_a_finished_turn_is_kept_with_its_sources_and_times(told: Told, clock: Clock) -> None:
    kept, asked = Kept(), question(end_of_turn_delay=0.3)
    waterfall = Waterfall(told, keep=kept, clock=clock)
    answer(waterfall, asked)
    waterfall.said(asked)
    waterfall.said(reply(e2e_latency=0.6))
    (turn,) = kept
    assert (turn.door, turn.said, turn.answer, turn.heard) == ("voice", "when is breakfast", "From 7 am.", "From 7 am.")
    assert turn.sources == (Source(title="Breakfast", place="breakfast.md", passage="From 7 am.", score=0.9),)
    assert not turn.interrupted and turn.latencies_ms["answered_ms"] == 600
    assert set(turn.latencies_ms) >= {"end_of_turn_ms", "retrieval_ms"}


def test_an_interrupted_answer_is_kept_as_it_was_heard(told: Told) -> None:
    kept, asked = Kept(), question()
    waterfall = Waterfall(told, keep=kept)
    answer(waterfall, asked)
    waterfall.said(asked)
    waterfall.said(interrupted("From"))
    assert [(turn.answer, turn.heard, turn.interrupted) for turn in kept] == [("From 7 am.", "From", True)]


def test_a_turn_whose_answer_nobody_heard_is_kept_without_it(told: Told) -> None:
    kept, first, second = Kept(), question(), question()
    waterfall = Waterfall(told, keep=kept)
    answer(waterfall, first)
    waterfall.said(first)
    waterfall.said(second)
    waterfall.end()
    assert [(turn.answer, turn.heard, turn.interrupted) for turn in kept] == [("From 7 am.", "", True), ("", "", True)]


def test_the_page_of_a_source_is_kept(told: Told) -> None:
    kept, asked = Kept(), question()
    waterfall = Waterfall(told, keep=kept)
    waterfall.answered(waterfall.begin(asked.id), [PASSAGE | {"place": "page 3"}])
    waterfall.said(asked)
    waterfall.said(reply())
    assert kept[0].sources[0].place == "breakfast.md, page 3"
