"""What the starter Whisper is read: never what it is measured with, and not only what the rules foresee."""

import random

from training.stt.sentences import CALLERS, MAX_WORDS, corpus, held_out_texts, spliced


def test_no_measured_question_is_trained_on() -> None:
    texts = list(corpus(CALLERS, size=3000, seed=4))
    assert not held_out_texts() & set(texts)
    assert all(0 < len(text.split()) <= MAX_WORDS for text in texts)


def test_the_same_seed_reads_the_same() -> None:
    assert list(corpus(CALLERS, size=20, seed=5)) == list(corpus(CALLERS, size=20, seed=5))


def test_spliced_sentences_begin_as_one_and_end_as_another() -> None:
    rng = random.Random(6)
    texts = {spliced(rng) for _ in range(200)}
    assert len(texts) > 190
    assert all(len(text.split()) > 1 for text in texts)
