"""Verifying looks inside the packed pieces too: each damage to one of them is named with its document."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from knowledge.index import Index
from knowledge.ingest import Report
from knowledge.packing import pack, take_apart
from knowledge.rows import ChunkRow, SentenceRow
from knowledge.store import Vectors
from knowledge.verifying import verify

Change = Callable[[bytes], bytes]
THREE_SENTENCES = "We open at nine. Dogs stay out. Breakfast is free."


def repacked(
    piece: bytes,
    *,
    row: Callable[[ChunkRow], ChunkRow] = lambda row: row,
    order: Sequence[int] = (0, 1, 2),
    text: str = "",
    vectors: Callable[[Vectors], Vectors] = lambda vectors: vectors,
) -> bytes:
    """The piece with another row, its sentences in another `order`, the first with `text`, or with other vectors."""
    found = take_apart(piece)
    sentences = [SentenceRow("", "", "", line.text, line.context, "", line.place) for line in found.lines]
    sentences[0] = replace(sentences[0], text=text or sentences[0].text)
    changed = vectors(np.stack([found.vector, *(line.vector for line in found.lines)]))
    return pack(row(found.row), changed[0], [sentences[place] for place in order], changed[1:][list(order)])


def without_texts(piece: bytes) -> bytes:
    """Its numbers are whole."""
    end = 4 + int.from_bytes(piece[:4], "little")
    texts = json.dumps([["too", "few"], []]).encode()
    return len(texts).to_bytes(4, "little") + texts + piece[end:]


def with_number(place: int, number: float) -> Callable[[Vectors], Vectors]:
    """One number of the vector at `place` is another; 0 is the chunk's own."""

    def change(vectors: Vectors) -> Vectors:
        vectors[place, 7] = number
        return vectors

    return change


def damage(index: Index, change: Change, *, source: str) -> None:
    """Change the packed pieces of one document."""

    def changed(batch: pa.RecordBatch) -> pa.RecordBatch:
        sources, pieces = (batch.column(name).to_pylist() for name in ("source", "packed"))
        new = [change(piece) if name == source else piece for name, piece in zip(sources, pieces, strict=True)]
        place = batch.schema.get_field_index("packed")
        return batch.set_column(place, batch.schema.field(place), pa.array(new, pa.large_binary()))

    batches = {table: list(index.rows(table)) for table in ("chunks", "sentences")}
    batches["chunks"] = [changed(batch) for batch in batches["chunks"]]
    index.become(lambda table: batches[table])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda piece: piece, ""),
        (lambda piece: b"", "cannot be taken apart"),
        (lambda piece: piece[:100], "cannot be taken apart"),
        (lambda piece: piece[:-1], "cannot be taken apart"),
        (lambda piece: b"\xff" * len(piece), "cannot be taken apart"),
        (without_texts, "cannot be taken apart"),
        (lambda piece: repacked(piece, row=lambda row: replace(row, text="Else.")), "is not what its columns say"),
        (lambda piece: repacked(piece, row=lambda row: replace(row, page=7)), "is not what its columns say"),
        (lambda piece: repacked(piece, text="We open at ten."), "has other sentences than their table"),
        (lambda piece: repacked(piece, order=(0, 1)), "has other sentences than their table"),
        (lambda piece: repacked(piece, order=(0, 2, 1)), "has other sentences than their table"),
        (lambda piece: repacked(piece, vectors=lambda own: own[:, :-4]), "has damaged vectors"),
        (lambda piece: repacked(piece, vectors=with_number(0, np.nan)), "has damaged vectors"),
        (lambda piece: repacked(piece, vectors=with_number(3, np.inf)), "has damaged vectors"),
        (lambda piece: repacked(piece, vectors=with_number(0, 0.3)), "has another vector than its column"),
        (lambda piece: repacked(piece, vectors=with_number(2, 0.3)), "has other vectors than the sentences' table"),
    ],
)
def test_a_damaged_piece_is_named(put: Callable[..., Report], index: Index, change: Change, what: str) -> None:
    put({"a.txt": THREE_SENTENCES, "b.txt": "Cats come in."})
    damage(index, change, source="papers/a.txt")
    expected = (f"papers/a.txt (default): what a search reads of a chunk {what}",) if what else ()
    assert verify(index).problems == expected


def test_a_sentence_that_is_gone_from_its_table_is_missed(put: Callable[..., Report], index: Index) -> None:
    put({"a.txt": THREE_SENTENCES})
    chunks, sentences = list(index.rows("chunks")), list(index.rows("sentences"))
    index.become(lambda table: chunks if table == "chunks" else [batch.slice(1) for batch in sentences])
    assert verify(index).problems == (
        "papers/a.txt (default): what a search reads of a chunk has other sentences than their table",
    )


def test_the_order_of_the_sentences_in_their_table_is_no_damage(put: Callable[..., Report], index: Index) -> None:
    put({"a.txt": THREE_SENTENCES})
    chunks, sentences = list(index.rows("chunks")), list(index.rows("sentences"))
    index.become(lambda table: chunks if table == "chunks" else [batch.take([2, 0, 1]) for batch in sentences])
    assert verify(index).problems == ()
