"""A chunk in one piece: what comes out is what went in."""

import numpy as np
import pytest

from knowledge.packing import pack, packed_chunks, unpack
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.store import Vectors

DIM = 6


def chunk(position: int) -> ChunkRow:
    return ChunkRow(f"d:{position}", "d", "Öffnet um neun.", "T", "", "d.md", "/d.md", "default", position, "h")


def sentence(chunk_id: str, place: int) -> SentenceRow:
    return SentenceRow(f"{chunk_id}:{place}", chunk_id, "d", f"Sentence {place}.", "T. Hours", "default", place)


def vectors(count: int) -> Vectors:
    found = np.random.default_rng(count).standard_normal((count, DIM), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_chunk_comes_back_with_its_sentences(count: int) -> None:
    own, theirs = vectors(1)[0], vectors(count)
    found = unpack(pack(chunk(0), own, [sentence("d:0", place) for place in range(count)], theirs))
    assert found.row == chunk(0)
    assert found.vector == pytest.approx(own, abs=1e-3)
    assert [(line.place, line.text, line.context) for line in found.lines] == [
        (place, f"Sentence {place}.", "T. Hours") for place in range(count)
    ]
    assert all(line.vector == pytest.approx(vector, abs=1e-3) for line, vector in zip(found.lines, theirs, strict=True))


def test_each_chunk_of_a_document_has_its_own_sentences() -> None:
    sentences = (sentence("d:0", 0), sentence("d:2", 0), sentence("d:2", 1))
    document = PreparedDocument("d", tuple(map(chunk, range(3))), vectors(3), sentences, vectors(3))
    found = [unpack(packed) for packed in packed_chunks(document)]
    assert [[line.chunk_id for line in one.lines] for one in found] == [["d:0"], [], ["d:2", "d:2"]]
    assert found[2].lines[1].vector == pytest.approx(document.sentence_vectors[2], abs=1e-3)


def test_what_was_taken_apart_is_remembered() -> None:
    packed = pack(chunk(0), vectors(1)[0], [sentence("d:0", 0)], vectors(1))
    assert unpack(packed) is unpack(bytes(bytearray(packed)))
