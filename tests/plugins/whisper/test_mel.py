"""The spectrogram is Whisper's own, however it came to be."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from plugins.audio import Float
from plugins.whisper.mel import Known, LogMel

FRAMES = 350


@pytest.fixture(scope="module")
def audio() -> Float:
    rng = np.random.default_rng(1)
    seconds = np.arange(48_000) / 16_000
    tone = 0.2 * np.sin(2 * np.pi * 220 * seconds) * (np.sin(2 * np.pi * 3 * seconds) > 0)
    return (tone + rng.normal(0, 0.001, tone.size)).astype(np.float32)


def reference(audio: Float, *, frames: int) -> Float:
    silence = np.zeros(frames * 160 - audio.size, np.float32)
    return FeatureExtractor(feature_size=80)(np.concatenate([audio, silence]), padding=0)[:, :frames]


def test_it_is_what_faster_whisper_computes(audio: Float) -> None:
    np.testing.assert_allclose(LogMel(bands=80)(audio, frames=FRAMES), reference(audio, frames=FRAMES), atol=1e-4)


def test_growing_audio_gives_the_same_frames(audio: Float) -> None:
    log_mel, known = LogMel(bands=80), Known()
    for end in (1_000, 9_000, 9_100, 23_456, audio.size):
        grown = log_mel(audio[:end], frames=FRAMES, known=known)
        np.testing.assert_allclose(grown, reference(audio[:end], frames=FRAMES), atol=1e-4)


def test_frames_that_are_known_are_not_computed_again(audio: Float, monkeypatch: pytest.MonkeyPatch) -> None:
    log_mel, known = LogMel(bands=80), Known()
    log_mel(audio[:32_000], frames=FRAMES, known=known)
    computed: list[int] = []
    energies = log_mel._energies  # pyright: ignore[reportPrivateUsage]  # what is not called cannot be seen otherwise

    def counted(audio: Float, first: int, end: int) -> Float:
        computed.append(end - first)
        return energies(audio, first, end)

    monkeypatch.setattr(log_mel, "_energies", counted)
    log_mel(audio[:36_800], frames=FRAMES, known=known)
    assert computed[0] < 40


@pytest.mark.parametrize("samples", [0, 1, 150, 399])
def test_the_shortest_sounds_have_a_spectrogram(samples: int) -> None:
    assert LogMel(bands=80)(np.full(samples, 0.1, np.float32), frames=100).shape == (80, 100)
