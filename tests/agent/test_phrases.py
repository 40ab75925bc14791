"""What the agent says when its models are away."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from agent import phrases
from agent.call import Call
from agent.phrases import ALL, ONE_MOMENT, RATE_HZ, cached, missing, render
from agent.settings import Settings
from plugins.audio import wav_bytes
from plugins.client import EngineClient, SpeechPiece
from plugins.errors import EngineUnavailable

SECOND = np.full(16_000, 8_000, "<i2").tobytes()


class Voice(EngineClient):
    """An engine that says everything as one steady second in two pieces at 16 kHz."""

    def __init__(self) -> None:
        super().__init__("unix:nowhere")
        self.said: list[str] = []

    async def speak(
        self, text: str, *, voice: str | None = None, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncGenerator[SpeechPiece]:
        self.said.append(text)
        for half in (SECOND[: len(SECOND) // 2], SECOND[len(SECOND) // 2 :]):
            yield SpeechPiece(half, 16_000)


class Mute(EngineClient):
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncGenerator[SpeechPiece]:
        raise EngineUnavailable("away")
        yield


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    path = tmp_path / "voice.onnx"
    path.write_bytes(b"weights")
    return path


async def test_phrases_are_rendered_once_and_read_from_then_on(tmp_path: Path, voice: Path) -> None:
    assert missing(tmp_path / "phrases", voice=voice) == list(ALL)
    engine = Voice()
    await render(engine, tmp_path / "phrases", voice=voice)
    assert engine.said == list(ALL)
    assert not missing(tmp_path / "phrases", voice=voice)
    again = cached(tmp_path / "phrases", voice=voice)
    for phrase in ALL:
        assert again.audio[phrase].size == RATE_HZ
        assert not np.array_equal(again.audio[phrase], phrases.tones())


async def test_only_what_is_missing_is_rendered(tmp_path: Path, voice: Path) -> None:
    engine = Voice()
    await render(engine, tmp_path, voice=voice, texts=["One.", "Two."])
    await render(engine, tmp_path, voice=voice, texts=["Two.", "Three."])
    assert engine.said == ["One.", "Two.", "Three."]


async def test_another_voice_has_recordings_of_its_own(tmp_path: Path, voice: Path) -> None:
    await render(Voice(), tmp_path, voice=voice)
    other = tmp_path / "other.onnx"
    other.write_bytes(b"other weights")
    assert missing(tmp_path, voice=other)


async def test_without_a_recording_the_caller_hears_tones(tmp_path: Path, voice: Path) -> None:
    audio = cached(tmp_path, voice=voice).audio[ONE_MOMENT]
    assert np.array_equal(audio, phrases.tones())
    assert 0.05 < np.abs(audio).max() < 0.3


async def test_a_failed_rendering_is_raised_and_leaves_nothing_half_done(tmp_path: Path, voice: Path) -> None:
    with pytest.raises(EngineUnavailable):
        await render(Mute("unix:nowhere"), tmp_path / "phrases", voice=voice)
    assert missing(tmp_path / "phrases", voice=voice) == list(ALL)


@pytest.mark.parametrize("damage", [b"", b"RIFF\0\0\0\0WAVE", bytes(500), wav_bytes(b"", sample_rate_hz=RATE_HZ)])
async def test_a_damaged_recording_gives_way_to_tones_until_it_is_rendered_again(
    tmp_path: Path, voice: Path, damage: bytes
) -> None:
    await render(Voice(), tmp_path / "phrases", voice=voice, texts=["One.", "Two."])
    hurt = next(iter((tmp_path / "phrases").iterdir()))
    hurt.write_bytes(damage)
    heard = cached(tmp_path / "phrases", voice=voice, texts=["One.", "Two."]).audio
    assert sorted(audio.size for audio in heard.values()) == [phrases.tones().size, RATE_HZ]
    assert len(missing(tmp_path / "phrases", voice=voice, texts=["One.", "Two."])) == 1
    await render(Voice(), tmp_path / "phrases", voice=voice, texts=["One.", "Two."])
    heard = cached(tmp_path / "phrases", voice=voice, texts=["One.", "Two."]).audio
    assert {audio.size for audio in heard.values()} == {RATE_HZ}


async def test_a_recording_that_cannot_be_opened_gives_way_to_tones(
    tmp_path: Path, voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await render(Voice(), tmp_path / "phrases", voice=voice)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(phrases, "read_wav", refuse)
    audio = cached(tmp_path / "phrases", voice=voice).audio[ONE_MOMENT]
    assert np.array_equal(audio, phrases.tones())


async def test_a_full_disk_is_raised_and_leaves_nothing_half_done(
    tmp_path: Path, voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_disk(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        await render(Voice(), tmp_path / "phrases", voice=voice)
    assert not list((tmp_path / "phrases").iterdir())


async def test_a_call_goes_on_where_phrases_cannot_be_written(
    tmp_path: Path, voice: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill_the_disk(monkeypatch)
    monkeypatch.setattr(phrases, "FOLDER", tmp_path / "phrases")
    monkeypatch.setenv("MODELS_VOICE", str(voice))
    call = SimpleNamespace(_settings=Settings(), _engine=Voice(), _assistant=SimpleNamespace())
    await Call._render_phrases(cast(Call, call))  # pyright: ignore[reportPrivateUsage]  # a whole call needs a room
    assert np.array_equal(call._assistant.phrases.audio[ONE_MOMENT], phrases.tones())
    assert "No space left on device" in caplog.text


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes a file's beginning, and no more."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)


async def test_frames_carry_the_whole_phrase(tmp_path: Path, voice: Path) -> None:
    await render(Voice(), tmp_path, voice=voice)
    known = cached(tmp_path, voice=voice)
    frames = [frame async for frame in known.frames(ONE_MOMENT)]
    assert sum(frame.samples_per_channel for frame in frames) == known.audio[ONE_MOMENT].size
    assert {frame.sample_rate for frame in frames} == {RATE_HZ}


def test_a_phrase_is_recognised_by_its_beginning(tmp_path: Path, voice: Path) -> None:
    known = cached(tmp_path, voice=voice)
    assert known.opening(ONE_MOMENT[:6])
    assert not known.opening("Breakfast")
