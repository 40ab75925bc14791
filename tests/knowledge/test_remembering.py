"""Vectors of texts that were embedded lately."""

import numpy as np

from knowledge.remembering import RememberingEmbedder
from tests.knowledge.fakes import WordEmbedder


def test_a_text_has_the_same_vector_as_without_memory(embedder: WordEmbedder) -> None:
    remembering = RememberingEmbedder(embedder)
    texts = ["dogs sleep", "cats purr", "dogs sleep", "dogs sleep"]
    for _ in range(2):
        assert np.array_equal(remembering.embed_queries(texts), embedder.embed_queries(texts))


def test_only_texts_that_are_new_are_embedded_each_once(embedder: WordEmbedder) -> None:
    remembering = RememberingEmbedder(embedder)
    remembering.embed_queries(["dogs", "dogs"])
    remembering.embed_queries(["cats", "dogs"])
    assert embedder.embedded == ["dogs", "cats"]


def test_questions_and_passages_are_remembered_apart(embedder: WordEmbedder) -> None:
    remembering = RememberingEmbedder(embedder)
    remembering.embed_queries(["dogs"])
    remembering.embed_passages(["dogs"])
    assert embedder.embedded == ["dogs", "dogs"]


def test_what_was_not_wanted_for_longest_is_forgotten(embedder: WordEmbedder) -> None:
    remembering = RememberingEmbedder(embedder, most=2)
    for text in ("dogs", "cats", "dogs", "mice"):
        remembering.embed_queries([text])
    embedder.embedded.clear()
    remembering.embed_queries(["dogs", "mice"])
    assert embedder.embedded == []
    remembering.embed_queries(["cats"])
    assert embedder.embedded == ["cats"]
