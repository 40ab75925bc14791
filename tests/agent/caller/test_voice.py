"""The caller's own voice."""

from pathlib import Path

import numpy as np
import pytest

from agent.caller.errors import VoiceFailed
from agent.caller.loudness import first_audible, last_audible
from agent.caller.script import CallScript, Play, Say, Type, said
from agent.caller.voice import recording, speech
from plugins.audio import pcm_from_float, wav_bytes


def test_a_sentence_is_a_second_or_two_of_sound() -> None:
    audio = speech("what time is breakfast", sample_rate_hz=48_000)
    assert 0.8 < audio.size / 48_000 < 3.0
    assert 0.1 < np.abs(audio).max() <= 1.0


def test_voices_differ() -> None:
    one, other = (speech("good morning", sample_rate_hz=16_000, voice=voice) for voice in ("en-us", "en-us+f3"))
    assert one.size != other.size or not np.allclose(one, other)


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(VoiceFailed, match="elvish"):
        speech("hello", sample_rate_hz=48_000, voice="elvish")


@pytest.mark.parametrize("nothing", ["", " ", "..."])
def test_nothing_to_say_is_refused(nothing: str) -> None:
    with pytest.raises(VoiceFailed, match="no sound"):
        speech(nothing, sample_rate_hz=48_000)


def test_a_recording_is_played_at_the_lines_rate(tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    path.write_bytes(wav_bytes(pcm_from_float(np.full(8_000, 0.5, np.float32)), sample_rate_hz=8_000))
    assert recording(path, sample_rate_hz=48_000).size == 48_000
    script = CallScript([Play(path)])
    assert script.audio(Play(path), sample_rate_hz=48_000).size == 48_000


@pytest.mark.parametrize("content", [None, b"", b"no sound at all"])
def test_a_recording_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VoiceFailed, match=r"broken\.wav"):
        recording(path, sample_rate_hz=48_000)


def test_a_turn_is_reported_by_its_words_or_its_file() -> None:
    assert said(Say("hello")) == "hello"
    assert said(Type("hello")) == "hello"
    assert said(Play(Path("/tmp/question.wav"))) == "[question.wav]"
    assert said(Play(Path("/tmp/question.wav"), text="hello")) == "hello"


def test_speech_is_found_between_silences() -> None:
    audio = np.zeros(100, np.float32)
    audio[40:60] = 0.2
    assert (first_audible(audio), last_audible(audio)) == (40, 59)
    assert first_audible(np.zeros(10, np.float32)) is None
    assert last_audible(np.zeros(10, np.float32)) is None
