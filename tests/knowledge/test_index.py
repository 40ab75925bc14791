"""The index on a real LanceDB: replaced in one step, seen by readers at once, never mixed, never silently damaged."""

import os
from pathlib import Path

import lancedb
import numpy as np
import pytest

from knowledge import index as module
from knowledge.errors import EmbeddingMismatch, IndexLocked, IndexUnusable, KnowledgeError
from knowledge.index import Index
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.scope import Scope
from knowledge.store import Table, Vectors

DIM = 8


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index", "words", DIM)


def unit(place: int) -> Vectors:
    return np.eye(DIM, dtype=np.float32)[place]


def prepared(doc_id: str, *places: int, collection: str = "default", digest: str = "h1") -> PreparedDocument:
    """A document with one chunk and one sentence in the direction of each place."""
    chunks = tuple(
        ChunkRow(
            chunk_id=f"{doc_id}:{position}",
            doc_id=doc_id,
            text=f"chunk {place} of {doc_id}",
            title=doc_id,
            heading="",
            source=f"{doc_id}.md",
            origin=f"/o'brien/{doc_id}.md",
            collection=collection,
            position=position,
            hash=digest,
        )
        for position, place in enumerate(places)
    )
    sentences = tuple(
        SentenceRow(
            sentence_id=f"{chunk.chunk_id}:0",
            chunk_id=chunk.chunk_id,
            doc_id=doc_id,
            text=chunk.text,
            context=doc_id,
            collection=collection,
            position=0,
        )
        for chunk in chunks
    )
    vectors = np.stack([unit(place) for place in places])
    return PreparedDocument(
        doc_id=doc_id, chunks=chunks, chunk_vectors=vectors, sentences=sentences, sentence_vectors=vectors
    )


def texts(index: Index, collection: str = "default") -> set[str]:
    return {row.text for row in index.all_chunks(collection)[0]}


def test_an_index_that_was_never_written_is_empty(index: Index) -> None:
    assert index.documents() == []
    assert index.revision() == (0, 0, 0)
    assert index.count_sentences("default") == 0
    assert index.nearest_chunks(unit(0), Scope(), limit=3) == []
    assert index.all_sentences("default")[1].shape == (0, DIM)
    assert not Path(index.uri).exists()


def test_documents_are_found_by_vector_best_first(index: Index) -> None:
    index.replace([prepared("a", 0, 1), prepared("b", 2)])
    nearest, other = index.nearest_chunks(unit(1), Scope(), limit=2)
    assert (nearest.row.chunk_id, nearest.row.title, nearest.row.position) == ("a:1", "a", 1)
    assert (nearest.vector.tolist(), float(other.vector @ unit(1))) == (unit(1).tolist(), 0.0)


def test_documents_are_found_by_their_words(index: Index) -> None:
    index.replace([prepared("a", 0, 1), prepared("b", 2)])
    for _ in ("before the words are indexed", "after"):
        found = [chunk.row.chunk_id for chunk in index.matching_chunks("b", Scope(), limit=1, misspelt=False)]
        assert found == ["b:0"]
        index.optimize()


@pytest.mark.parametrize("text", ["", "?!", '" AND (', "the of", "\0"])
def test_odd_words_match_nothing(index: Index, text: str) -> None:
    index.replace([prepared("a", 0)])
    assert index.matching_chunks(text, Scope(), limit=3, misspelt=True) == []


def test_a_scope_leaves_other_documents_out(index: Index) -> None:
    index.replace([prepared("a", 0), prepared("b", 0)])
    assert [chunk.row.doc_id for chunk in index.nearest_chunks(unit(0), Scope(title="b"), limit=9)] == ["b"]
    assert index.nearest_chunks(unit(0), Scope(title="it's", source="x' OR '1' = '1"), limit=9) == []


def test_a_large_table_is_found_in_through_an_index_of_its_vectors(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNKS_WORTH_AN_INDEX", 500)
    index.replace([prepared(f"{number:x}", *range(DIM)) for number in range(100)])
    index.optimize()
    index.replace([prepared("late", 5)])
    assert {chunk.row.position for chunk in index.nearest_chunks(unit(3), Scope(), limit=10)} == {3}
    assert "late" in {chunk.row.doc_id for chunk in index.nearest_chunks(unit(5), Scope(), limit=101)}


def test_a_collection_that_was_alone_stays_apart_from_one_that_comes_later(index: Index) -> None:
    index.replace([prepared("a", 0, 1)])
    for _ in ("alone", "beside another whose chunk is nearer and holds the words"):
        [near] = index.nearest_chunks(unit(0), Scope(), limit=1)
        [matching] = index.matching_chunks("chunk 0", Scope(), limit=1, misspelt=False)
        assert (near.row.doc_id, matching.row.doc_id) == ("a", "a")
        index.replace([prepared(name, 0, collection="other") for name in ("0", "b", "c")])


def test_vectors_come_back_beside_their_rows(index: Index) -> None:
    index.replace([prepared("a", 3, 1)])
    rows, vectors = index.all_sentences("default")
    assert {row.sentence_id: int(vector.argmax()) for row, vector in zip(rows, vectors, strict=True)} == {
        "a:0:0": 3,
        "a:1:0": 1,
    }


def test_replacing_a_document_leaves_nothing_of_its_former_version(index: Index) -> None:
    index.replace([prepared("a", 0, 1, 2), prepared("b", 3)])
    index.replace([prepared("a", 4, digest="h2")])
    assert texts(index) == {"chunk 4 of a", "chunk 3 of b"}
    assert index.count_sentences("default") == 2
    assert {document.doc_id: document.hash for document in index.documents()} == {"a": "h2", "b": "h1"}


def test_removing_a_document_leaves_the_others(index: Index) -> None:
    index.replace([prepared("a", 0), prepared("b", 1)])
    index.remove(["a", "never-there"])
    assert [document.doc_id for document in index.documents()] == ["b"]
    assert index.count_sentences("default") == 1


def test_collections_are_apart(index: Index) -> None:
    index.replace([prepared("a", 0), prepared("b", 0, collection="other")])
    assert texts(index) == {"chunk 0 of a"}
    assert texts(index, "other") == {"chunk 0 of b"}
    assert [chunk.row.doc_id for chunk in index.nearest_chunks(unit(0), Scope("other"), limit=9)] == ["b"]
    assert {document.origin for document in index.documents("other")} == {"/o'brien/b.md"}


@pytest.mark.parametrize("name", ["", "a b", "x' OR 1=1 --", "../up", "a" * 65])
def test_a_collection_name_is_never_sql(index: Index, name: str) -> None:
    with pytest.raises(KnowledgeError, match="cannot be a collection"):
        index.all_chunks(name)


def test_a_chunk_is_found_with_its_sentences(index: Index) -> None:
    document = prepared("a", 0, 1)
    index.replace([document])
    for found in (
        index.nearest_chunks(unit(1), Scope(), limit=1),
        index.matching_chunks("chunk 1 a", Scope(), limit=1, misspelt=False),
    ):
        (chunk,) = found
        assert chunk.row == document.chunks[1]
        assert [(line.chunk_id, line.text, line.context) for line in chunk.lines] == [("a:1", "chunk 1 of a", "a")]
        assert chunk.lines[0].vector.tolist() == unit(1).tolist()


def test_another_reader_sees_every_write_without_reopening(index: Index) -> None:
    reader = Index(index.uri, "words", DIM)
    assert reader.documents() == []
    index.replace([prepared("a", 0)])
    first = reader.revision()
    assert texts(reader) == {"chunk 0 of a"}
    index.replace([prepared("a", 1)])
    assert texts(reader) == {"chunk 1 of a"}
    assert reader.revision() != first
    index.remove(["a"])
    assert texts(reader) == set()


def test_a_folder_that_looks_as_it_did_is_not_asked_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.replace([prepared("a", 0)])
    for versions in Path(index.uri).glob("*.lance/_versions"):
        os.utime(versions, (1, 1))
    reader, asked = Index(index.uri, "words", DIM), list[str]()
    refresh = Table.refresh
    monkeypatch.setattr(Table, "refresh", lambda table: asked.append("asked") or refresh(table))
    first = reader.revision()
    assert (reader.revision(), asked) == (first, [])
    index.replace([prepared("a", 1)])
    asked.clear()
    assert reader.revision() != first
    assert asked


def test_a_reader_survives_that_the_folder_is_made_anew(index: Index, tmp_path: Path) -> None:
    reader = Index(index.uri, "words", DIM)
    index.replace([prepared("a", 0)])
    former = (texts(reader), reader.revision())
    Path(index.uri).rename(tmp_path / "old")
    assert reader.documents() == []
    Index(index.uri, "words", DIM).replace([prepared("b", 1)])
    assert texts(reader) == {"chunk 1 of b"}
    assert former[0] == {"chunk 0 of a"}
    assert reader.revision() != former[1]


def test_compacting_changes_nothing_that_is_read(index: Index) -> None:
    for number in range(5):
        index.replace([prepared(f"d{number}", number)])
    before = texts(index)
    index.optimize()
    assert texts(index) == texts(Index(index.uri, "words", DIM)) == before


@pytest.mark.parametrize(("name", "dim"), [("other", DIM), ("words", DIM * 2)])
def test_vectors_of_another_model_are_refused(index: Index, name: str, dim: int) -> None:
    index.replace([prepared("a", 0)])
    other = Index(index.uri, name, dim)
    with pytest.raises(EmbeddingMismatch, match=r"made with words.*landline knowledge reembed"):
        other.nearest_chunks(np.zeros(dim, np.float32), Scope(), limit=1)
    with pytest.raises(EmbeddingMismatch):
        other.replace([prepared("b", 1)])
    assert [document.doc_id for document in other.documents()] == ["a"]


def test_clearing_makes_it_an_index_of_the_new_model_and_readers_notice(index: Index) -> None:
    index.replace([prepared("a", 0)])
    assert texts(index) == {"chunk 0 of a"}
    other = Index(index.uri, "other", DIM)
    other.clear()
    other.replace([prepared("b", 1)])
    assert texts(other) == {"chunk 1 of b"}
    with pytest.raises(EmbeddingMismatch, match="made with other"):
        index.revision()


def test_a_folder_with_other_things_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    index = Index(tmp_path, "words", DIM)
    for attempt in (index.documents, index.clear, lambda: index.replace([prepared("a", 0)])):
        with pytest.raises(IndexUnusable, match=r"holds other things, for example holiday\.jpg"):
            attempt()
    with pytest.raises(IndexUnusable), index.writing(wait_s=0):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("x")
    with pytest.raises(IndexUnusable, match="it is a file"):
        Index(tmp_path / "index", "words", DIM).documents()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    lancedb.connect(tmp_path).create_table("vectors", [{"id": 1}])
    with pytest.raises(IndexUnusable, match="without the tables"):
        Index(tmp_path, "words", DIM).documents()


def test_another_programs_tables_of_the_same_names_are_refused(tmp_path: Path) -> None:
    database = lancedb.connect(tmp_path)
    for name in ("chunks", "sentences"):
        database.create_table(name, [{"id": 1}])
    with pytest.raises(IndexUnusable, match="another program"):
        Index(tmp_path, "words", DIM).count_sentences("default")


@pytest.mark.parametrize("part", ["_versions", "data"])
def test_a_damaged_index_is_reported_with_the_way_out(index: Index, part: str) -> None:
    index.replace([prepared("a", 0)])
    for path in (Path(index.uri) / "chunks.lance" / part).iterdir():
        path.write_bytes(b"junk")
    with pytest.raises(IndexUnusable, match=r"landline ingest"):
        Index(index.uri, "words", DIM).all_chunks("default")


def test_half_made_tables_are_made_again(index: Index) -> None:
    index.replace([prepared("a", 0)])
    lancedb.connect(index.uri).drop_table("chunks")
    survivor = Index(index.uri, "words", DIM)
    assert survivor.documents() == []
    survivor.replace([prepared("b", 1)])
    assert texts(survivor) == {"chunk 1 of b"}
    assert survivor.count_sentences("default") == 1


def test_only_one_writer_at_a_time(index: Index) -> None:
    second = Index(index.uri, "words", DIM)
    with index.writing(wait_s=0), pytest.raises(IndexLocked) as refusal, second.writing(wait_s=0):
        pass
    assert refusal.value.retryable
    with second.writing(wait_s=0):
        second.replace([prepared("a", 0)])
