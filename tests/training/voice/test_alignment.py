"""The teacher's phones share their time out among Piper's phonemes."""

import pytest

from training.voice.alignment import align
from training.voice.flite import Segment


def segments(text: str) -> list[Segment]:
    """'y:0.1 eh:0.2' -> segments."""
    return [Segment(phone, float(length)) for phone, length in (pair.split(":") for pair in text.split())]


def test_equal_phones_keep_their_times() -> None:
    alignment = align(segments("y:0.1 eh:0.2 s:0.3"), list("jˈɛs."))
    assert alignment.lengths_s.tolist() == pytest.approx([0.1, 0, 0.2, 0.3, 0])
    assert alignment.cost < 0.05


def test_a_diphthong_is_shared_by_its_two_code_points() -> None:
    assert align(segments("g:0.1 ow:0.4"), list("ɡˈoʊ")).lengths_s.tolist() == pytest.approx([0.1, 0, 0.2, 0.2])


def test_a_pause_belongs_to_the_comma() -> None:
    lengths_s = align(segments("w:0.1 eh:0.1 l:0.1 pau:0.25 n:0.1 ow:0.2"), list("wˈɛl, nˈoʊ")).lengths_s
    assert lengths_s[4] == pytest.approx(0.25)
    assert lengths_s.sum() == pytest.approx(0.85)


def test_similar_vowels_stand_for_each_other() -> None:
    assert align(segments("dh:0.1 ax:0.1"), list("ðɪ")).lengths_s.tolist() == pytest.approx([0.1, 0.1])


def test_a_phoneme_the_teacher_left_out_borrows_time() -> None:
    lengths_s = align(segments("f:0.1 ih:0.2 t:0.1"), list("fɪft")).lengths_s
    assert (lengths_s > 0).all()
    assert lengths_s.sum() == pytest.approx(0.4)


def test_a_different_reading_costs_more_than_the_corpus_accepts() -> None:
    assert align(segments("k:0.1 ae:0.1 t:0.1"), list("ɛlɪfənt")).cost > 0.22
