"""The made-up collection: as large as asked for, found by its vectors and words, the same every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.knowledge_large import SENTENCES_PER_CHUNK, Large, number_of
from bench.knowledge_speed import index_recall, made
from knowledge.index import Index
from knowledge.rows import SentenceRow
from knowledge.scope import Scope
from knowledge.store import Vectors
from tests.knowledge.fakes import WordEmbedder

DIM = 32
CHUNKS = 40


def row(number: int) -> SentenceRow:
    text = f"The boat number {number} can be rented at the pier every day."
    return SentenceRow(f"{number}", "c", "d", text, "Boats. On the lake", "real", number)


@pytest.fixture(scope="module")
def large() -> Large:
    vectors: Vectors = np.eye(DIM, dtype=np.float32)
    return Large(CHUNKS, [row(number) for number in range(DIM)], vectors)


@pytest.fixture(scope="module")
def index(large: Large, tmp_path_factory: pytest.TempPathFactory) -> Index:
    made = Index(Path(tmp_path_factory.mktemp("large")) / "index", "made up", DIM)
    large.fill(made)
    return made


def test_there_are_as_many_chunks_as_wanted_with_their_sentences(index: Index) -> None:
    chunks, _ = index.all_chunks("default")
    sentences, _ = index.all_sentences("default")
    assert [number_of(chunk.chunk_id) for chunk in chunks] == list(range(CHUNKS))
    assert len(sentences) == CHUNKS * SENTENCES_PER_CHUNK
    assert sentences[0].text in chunks[0].text
    assert (chunks[0].title, chunks[0].heading) == ("Boats", "On the lake")


def test_a_sentence_is_near_the_real_one(index: Index) -> None:
    _, vectors = index.all_sentences("default")
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert [int(vector.argmax()) for vector in vectors[:SENTENCES_PER_CHUNK]] == list(range(SENTENCES_PER_CHUNK))


def test_chunks_are_found_by_words(index: Index) -> None:
    assert index.matching_ids("rented", Scope(), limit=3, misspelt=False)


def test_what_was_made_is_used_again_until_it_would_be_another(large: Large, tmp_path: Path) -> None:
    embedder = WordEmbedder(name="made up", dim=DIM)
    folder = made(large, embedder, below=tmp_path / "large")
    (folder / ".seen").touch()
    assert made(large, embedder, below=tmp_path / "large") == folder
    assert (folder / ".seen").exists()
    other = made(replace(large, chunks=CHUNKS + 1), embedder, below=tmp_path / "large")
    assert list((tmp_path / "large").iterdir()) == [other]


def test_a_search_that_looks_at_everything_misses_nothing(index: Index, large: Large) -> None:
    assert index_recall(index, large.chunk_vectors(), np.eye(DIM, dtype=np.float32)) == 1.0
