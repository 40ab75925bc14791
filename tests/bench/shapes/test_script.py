"""A caller's words are recognised by their sound, however they were cut."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from agent.caller.voice import speech
from bench.heard import questions
from bench.shapes.script import Script, words_in_time
from plugins.whisper.transcripts import SAMPLE_RATE_HZ, Float

QUESTIONS = questions(30)


@cache
def script() -> Script:
    return Script({text: speech(text, sample_rate_hz=SAMPLE_RATE_HZ) for text in QUESTIONS})


def after_a_call(text: str) -> Float:
    """Spoken into a quiet room: another level, some noise, silence around it."""
    random = np.random.default_rng(len(text))
    spoken = np.pad(0.6 * speech(text, sample_rate_hz=SAMPLE_RATE_HZ), (5000 + int(random.integers(320)), 2000))
    return (spoken + random.normal(0, 0.003, spoken.size)).astype(np.float32)


def words(audio: Float) -> str:
    return " ".join(word.text for word in script().words_of(audio))


@pytest.mark.parametrize("text", QUESTIONS)
def test_every_question_is_recognised(text: str) -> None:
    assert words(after_a_call(text)) == text


@pytest.mark.parametrize("text", QUESTIONS[::5])
def test_a_question_cut_in_two_is_recognised_in_both_parts(text: str) -> None:
    audio = after_a_call(text)
    middle = audio.size * 6 // 10
    beginning, end = words(audio[:middle]), words(audio[middle:])
    assert beginning and end and f"{beginning} {end}" == text


def test_what_is_not_in_the_script_is_not_heard() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 2 * SAMPLE_RATE_HZ).astype(np.float32)
    assert words(noise) == ""
    assert words(np.zeros(SAMPLE_RATE_HZ, np.float32)) == ""
    assert words(np.zeros(0, np.float32)) == ""
    assert words(speech("the quick brown fox jumps over dogs", sample_rate_hz=SAMPLE_RATE_HZ)) == ""


def test_words_are_timed_in_the_audio_that_was_given() -> None:
    text = QUESTIONS[0]
    audio = speech(text, sample_rate_hz=SAMPLE_RATE_HZ)
    late = script().words_of(np.pad(audio, (SAMPLE_RATE_HZ, 0)))
    for word, moved in zip(words_in_time(text, audio), late, strict=True):
        assert moved.start_s - word.start_s == pytest.approx(1.0, abs=0.03)


def test_a_saved_script_is_the_same(tmp_path: Path) -> None:
    script().save(tmp_path / "run" / "script.npz")
    audio = after_a_call(QUESTIONS[3])
    assert Script.load(tmp_path / "run" / "script.npz").words_of(audio) == script().words_of(audio)
