from pathlib import Path

import numpy as np
import pytest

from training.audio.speech import SAMPLE_RATE_HZ, Mark
from training.stt.batches import IGNORED, Phones, bare
from training.stt.recordings import Recording, Shelf, write_shard
from training.stt.windows import Sounds, cut, damage, empty, place


def recording(text: str = "good morning", voice: str = "en-us+f1") -> Recording:
    """A second of noise in which each word takes equally long."""
    said = text.split()
    words = tuple(Mark(w, i / len(said), (i + 1) / len(said)) for i, w in enumerate(said))
    noise = np.random.default_rng(0).normal(0, 3000, SAMPLE_RATE_HZ).astype(np.int16)
    return Recording(text, voice, words, (Mark("'aI", 0.0, 0.5), Mark("n", 0.5, 1.0)), noise)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_words_keep_their_place_in_the_audio(rng: np.random.Generator) -> None:
    for _ in range(30):
        window = place([recording(), recording("see you")], rng=rng)

        assert [mark.label for mark in window.words] == ["good", "morning", "see", "you"]
        assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(window.words, window.words[1:], strict=False))
        assert window.words[-1].end_s <= window.seconds + 0.01


def test_a_cut_window_loses_the_words_not_yet_spoken(rng: np.random.Generator) -> None:
    window = place([recording("one two three four")], rng=rng)
    third = window.words[2]

    beginning = cut(window, at_s=third.start_s + 0.3 * (third.end_s - third.start_s))

    assert beginning.segments[0].words == ("one", "two")
    assert len(beginning.audio) < len(window.audio)


def test_damage_keeps_length_and_type(rng: np.random.Generator) -> None:
    window = place([recording()], rng=rng)
    sounds = Sounds(rng, size=4, seconds=1.0)

    for _ in range(20):
        damaged = damage(window.audio, sounds, recording, rng=rng, strength=1.0)
        assert damaged.shape == window.audio.shape
        assert damaged.dtype == np.float32
        assert np.isfinite(damaged).all()


def test_a_window_without_speech_has_no_words(rng: np.random.Generator) -> None:
    window = empty(Sounds(rng, size=2, seconds=1.0), rng=rng)

    assert not window.segments and not window.words
    assert window.seconds >= 0.3


def test_shards_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_shard(tmp_path, "a", [recording(), recording("hello")])
    shelf = Shelf(tmp_path)

    assert shelf.refresh() == 2
    assert shelf.refresh() == 0
    assert shelf.recordings[1].text == "hello"
    assert shelf.recordings[0].words == recording().words
    np.testing.assert_array_equal(shelf.recordings[0].samples, recording().samples)


def test_phonemes_are_known_without_their_stress_and_rare_ones_are_ignored() -> None:
    phones = Phones.count([recording()] * 20)

    assert phones.number("espeak", ",aI") == phones.number("espeak", "'aI") > 0
    assert phones.number("espeak", "_:") == 0
    assert phones.number("espeak", "Z") == IGNORED
    assert bare("@2") == "@2"
