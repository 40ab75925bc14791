"""Windows are as long as the speech, at most 30 s, and batched with their like."""

import numpy as np
import pytest

from plugins.whisper.transcripts import SAMPLE_RATE_HZ
from plugins.whisper.windows import Window, cut_windows, frames_for, group, quietest, voiced_span
from tests.plugins.whisper.conftest import noise


def of_length(seconds: float, utterance: int = 0) -> Window:
    return Window(utterance, 0.0, np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32))


def test_short_speech_is_one_window() -> None:
    (window,) = cut_windows(noise(3.0), utterance=4)
    assert (window.utterance, window.start_s, window.length_s) == (4, 0.0, 3.0)


@pytest.mark.parametrize(
    "audio", [np.zeros(0, np.float32), np.zeros(SAMPLE_RATE_HZ, np.float32), noise(1.0, level=1e-5)]
)
def test_silence_gives_no_window(audio: np.ndarray) -> None:
    assert cut_windows(audio, utterance=0) == []


def test_long_speech_is_cut_where_it_is_quiet() -> None:
    audio = noise(50.0)
    audio[27 * SAMPLE_RATE_HZ : 28 * SAMPLE_RATE_HZ] = 0.0
    first, second = cut_windows(audio, utterance=0)
    assert 27.0 <= first.length_s <= 28.0
    assert second.start_s == pytest.approx(first.length_s)
    assert first.length_s + second.length_s == pytest.approx(50.0)


def test_speech_without_a_pause_is_cut_within_the_limit() -> None:
    windows = cut_windows(noise(70.0), utterance=0)
    assert all(window.length_s < 30.0 for window in windows)
    assert sum(window.length_s for window in windows) == pytest.approx(70.0)


def test_the_quietest_place_is_found() -> None:
    audio = noise(2.0)
    audio[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 4000] = 0.0
    assert 1.0 <= quietest(audio) / SAMPLE_RATE_HZ <= 1.25


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0.1, 100), (0.7, 100), (0.75, 150), (2.0, 250), (29.7, 3000), (99.0, 3000)]
)
def test_the_encoder_window_is_a_little_longer_than_the_speech(seconds: float, frames: int) -> None:
    assert frames_for(seconds) == frames


def test_like_lengths_share_a_batch() -> None:
    groups = group([of_length(2.0, 0), of_length(9.0, 1), of_length(2.5, 2), of_length(8.0, 3)], max_batch=8)
    assert [[window.utterance for window in batch] for batch in groups] == [[1, 3], [2, 0]]


def test_a_batch_has_a_limit() -> None:
    groups = group([of_length(2.0)] * 5, max_batch=2)
    assert [len(batch) for batch in groups] == [2, 2, 1]


def test_the_voiced_span_leaves_silence_out() -> None:
    audio = np.zeros(SAMPLE_RATE_HZ, np.float32)
    audio[4000:8000] = 0.5
    assert voiced_span(audio) == (0.25, 0.5)
    assert voiced_span(np.zeros(1600, np.float32)) == (0.0, 0.1)
