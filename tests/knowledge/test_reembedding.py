"""An index made anew: with another embedding model, or out of the tables of another version of the program."""

from collections.abc import Callable
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from knowledge import reembedding as module
from knowledge.catalog import entries
from knowledge.errors import EmbeddingMismatch, LayoutMismatch
from knowledge.index import Index
from knowledge.ingest import Report, ingest
from knowledge.preparing import Embed
from knowledge.reembedding import Reembedded, is_needed, reembed
from knowledge.report import Step
from knowledge.retrieval import Retrieval
from knowledge.retriever import Retriever
from knowledge.store import Vectors
from knowledge.verifying import verify
from tests.knowledge.fakes import WordEmbedder, snapshot

Put = Callable[..., Report]


# Embedding anew


def change_model(
    index: Index, model: WordEmbedder, *, stop_after: int = 10**6, embed: Embed | None = None
) -> tuple[Reembedded, list[Step]]:
    """What `landline knowledge reembed` does, stopped after some documents."""
    steps: list[Step] = []
    new = Index(index.uri, model.name, model.dim)
    outcome = reembed(
        Index(index.uri, *(index.made_with() or ("", 1))),
        new,
        Index(f"{index.uri}/.reembed", model.name, model.dim),
        embed or model.embed_passages,
        progress=steps.append,
        should_stop=lambda: len(steps) >= stop_after,
        wait_s=0,
    )
    return outcome, steps


def test_another_model_is_refused_until_all_is_embedded_anew(put: Put, index: Index, embedder: WordEmbedder) -> None:
    put({"house.md": "# House\n\n## Pets\n\nPlease note:\n\n- Dogs stay out of the restaurant at all times, please.\n"})
    put({"b.txt": "We open at nine."}, collection="other")
    before = snapshot(index)
    other = WordEmbedder(name="other")
    with pytest.raises(EmbeddingMismatch, match="landline knowledge reembed"):
        ingest([], Index(index.uri, "other", other.dim), other.embed_passages)
    outcome, steps = change_model(index, other)
    assert outcome == Reembedded(documents=3, is_complete=True)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    changed = Index(index.uri, "other", other.dim)
    assert snapshot(changed) == before
    assert verify(changed).problems == ()
    assert sorted(embedder.embedded) == sorted(other.embedded)
    assert not (Path(index.uri) / ".reembed").exists()
    with pytest.raises(EmbeddingMismatch, match="made with other"):
        index.all_chunks("default")


def test_stopped_it_goes_on_where_it_was_and_the_old_index_is_used_meanwhile(put: Put, index: Index) -> None:
    put({f"{name}.txt": f"This is text {name}." for name in "abcd"})
    first, _ = change_model(index, WordEmbedder(name="other"), stop_after=2)
    assert first == Reembedded(documents=2, is_complete=False)
    assert len(snapshot(index)) == 4
    put({"a.txt": "This is another text."})
    second = WordEmbedder(name="other")
    outcome, steps = change_model(index, second)
    assert outcome.is_complete
    assert len(steps) in (2, 3)
    texts = {row.text for row in Index(index.uri, "other", second.dim).all_chunks("default")[0]}
    assert texts == {"This is another text.", *(f"This is text {name}." for name in "bcd")}


def test_a_third_model_does_not_mix_with_what_the_second_began(put: Put, index: Index) -> None:
    put({f"{name}.txt": f"This is text {name}." for name in "abc"})
    change_model(index, WordEmbedder(name="other"), stop_after=1)
    third = WordEmbedder(name="third")
    _, steps = change_model(index, third)
    assert len(steps) == 3
    assert verify(Index(index.uri, "third", third.dim)).problems == ()


# Another layout


FIRST_LAYOUT_LACKS = {"chunks": ["page", "ingested_at", "packed"], "sentences": ["page", "above", "hash"]}
SECOND_LAYOUT_LACKS = {"chunks": ["packed"]}
HOUSE = {
    "house.md": "# House\n\n## Pets\n\nPlease note:\n\n- Dogs stay out of the restaurant at all times, please.\n"
    "- Cats may come along to the terrace whenever the weather is good enough for it.\n\n## Hours\n\nWe open at nine.",
    "bar.txt": "The bar opens late. Drinks cost five euros. " * 40,
    "menu.txt": "Breakfast is free. Lunch costs ten euros.",
}
QUESTIONS = ("when do you open", "may dogs come to the restaurant", "what does lunch cost", "is breakfast free")


def unchanged(_: str, rows: pa.Table) -> pa.Table:
    return rows


def written_in(
    index: Index,
    layout: str,
    *,
    without: dict[str, list[str]],
    change: Callable[[str, pa.Table], pa.Table] = unchanged,
) -> Index:
    """The same index as another version of the program would have written it, with tables that `change` has seen."""
    tables = {name: pa.Table.from_batches(list(index.rows(name))) for name in ("chunks", "sentences")}
    database = lancedb.connect(index.uri)
    for name, rows in tables.items():
        about = rows.schema.metadata | {b"landline.layout": layout.encode()}
        kept = change(name, rows.drop_columns(without.get(name, [])).replace_schema_metadata(about))
        database.create_table(name, kept, mode="overwrite")
    return Index(index.uri, index.embedder_name, index.dim)


def replaced(rows: pa.Table, column: str, source: str, value: object) -> pa.Table:
    """With this value in the rows of one source."""
    place = rows.schema.get_field_index(column)
    values = [
        value if row_source == source else old
        for row_source, old in zip(rows["source"].to_pylist(), rows[column].to_pylist(), strict=True)
    ]
    return rows.set_column(place, rows.schema.field(place), pa.array(values, rows.schema.field(place).type))


def test_an_index_of_an_older_layout_is_refused_with_the_one_command_that_rebuilds_it(put: Put, index: Index) -> None:
    put({"a.txt": "We open at nine."})
    old = written_in(index, "1", without=FIRST_LAYOUT_LACKS)
    for attempt in (old.revision, lambda: old.remove(["a"]), lambda: entries(old), lambda: verify(old)):
        with pytest.raises(LayoutMismatch, match="older version.*landline knowledge reembed"):
            attempt()


def test_an_older_layout_is_rebuilt_from_the_texts_that_it_holds(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder
) -> None:
    put({"house.md": "# House\n\n## Pets\n\nPlease note:\n\n- Dogs stay out of the restaurant at all times, please.\n"})
    put({}, collection="other")
    texts = [{row.text for row in index.all_chunks(name)[0]} for name in ("default", "other")]
    quotable = {row.text for row in index.all_sentences("default")[0]}
    assert not is_needed(index, embedder.name, embedder.dim)
    assert is_needed(written_in(index, "1", without=FIRST_LAYOUT_LACKS), embedder.name, embedder.dim)
    (folder / "house.md").unlink()
    outcome, _ = change_model(index, embedder)
    assert outcome == Reembedded(documents=2, is_complete=True)
    rebuilt = Index(index.uri, index.embedder_name, index.dim)
    assert not is_needed(rebuilt, embedder.name, embedder.dim)
    assert [{row.text for row in rebuilt.all_chunks(name)[0]} for name in ("default", "other")] == texts
    sentences, _ = rebuilt.all_sentences("default")
    assert {row.text for row in sentences} == quotable
    assert all("Pets" in row.above for row in sentences)
    assert verify(rebuilt).problems == ()


def test_what_an_older_version_began_to_rebuild_is_begun_again(put: Put, index: Index, embedder: WordEmbedder) -> None:
    put({f"{name}.txt": f"This is text {name}." for name in "ab"})
    change_model(index, embedder, stop_after=1)
    staging = Index(f"{index.uri}/.reembed", index.embedder_name, index.dim)
    written_in(staging, "1", without=FIRST_LAYOUT_LACKS)
    _, steps = change_model(index, embedder)
    assert len(steps) == 2


def test_a_newer_layout_is_left_alone_and_the_way_out_is_an_update(
    put: Put, index: Index, embedder: WordEmbedder
) -> None:
    put({"a.txt": "We open at nine."})
    new = written_in(index, "99", without={})
    for attempt in (new.revision, lambda: is_needed(new, embedder.name, embedder.dim)):
        with pytest.raises(LayoutMismatch, match="newer version.*Update"):
            attempt()


# Vectors of the same model


def answers(index: Index, embedder: WordEmbedder) -> list[Retrieval]:
    retriever = Retriever(index, embedder)
    return [retriever.search(question, collection=name) for question in QUESTIONS for name in ("default", "other")]


def sentences_of(index: Index) -> dict[str, tuple[str, bytes]]:
    rows, vectors = index.all_sentences("default")
    return {row.sentence_id: (row.text, vector.tobytes()) for row, vector in zip(rows, vectors, strict=True)}


@pytest.mark.parametrize("in_memory", [10_000, 0])
@pytest.mark.parametrize(("layout", "lacks"), [("1", FIRST_LAYOUT_LACKS), ("2", SECOND_LAYOUT_LACKS)])
def test_of_the_same_model_nothing_is_embedded_and_all_is_found_as_before(
    put: Put,
    index: Index,
    embedder: WordEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    lacks: dict[str, list[str]],
    in_memory: int,
) -> None:
    monkeypatch.setattr("knowledge.retriever.MAX_SENTENCES_IN_MEMORY", in_memory)
    put(HOUSE)
    put(HOUSE, collection="other")
    found, held, sentences = answers(index, embedder), snapshot(index), sentences_of(index)
    assert all(retrieval.passages for retrieval in found)
    old = written_in(index, layout, without=lacks)
    embedder.embedded.clear()
    outcome, steps = change_model(old, embedder)
    assert (outcome, len(steps)) == (Reembedded(documents=6, is_complete=True), 6)
    assert embedder.embedded == []
    rebuilt = Index(index.uri, index.embedder_name, index.dim)
    assert verify(rebuilt).problems == ()
    assert (snapshot(rebuilt), sentences_of(rebuilt)) == (held, sentences)
    assert answers(rebuilt, embedder) == found


def test_what_is_damaged_or_of_another_model_is_embedded_anew(put: Put, index: Index, embedder: WordEmbedder) -> None:
    def damaged(table: str, rows: pa.Table) -> pa.Table:
        if table == "chunks":
            rows = replaced(rows, "model", "papers/c.txt", "another")
            return replaced(rows, "embedding", "papers/a.txt", [0.0] * index.dim)
        vectors = [[float("inf")] * index.dim if "Cats" in text else None for text in rows["text"].to_pylist()]
        whole = [new or old for new, old in zip(vectors, rows["embedding"].to_pylist(), strict=True)]
        place = rows.schema.get_field_index("embedding")
        return rows.set_column(place, rows.schema.field(place), pa.array(whole, rows.schema.field(place).type))

    put({"a.txt": "Dogs stay out.", "b.txt": "Cats come in. Birds fly.", "c.txt": "Fish swim."})
    held, sentences = snapshot(index), sentences_of(index)
    old = written_in(index, "2", without=SECOND_LAYOUT_LACKS, change=damaged)
    embedder.embedded.clear()
    change_model(old, embedder)
    anew = ["A\nDogs stay out.", "C\nFish swim.", "Cats come in.", "B. Cats come in.", "Fish swim.", "C. Fish swim."]
    assert sorted(embedder.embedded) == sorted(anew)
    rebuilt = Index(index.uri, index.embedder_name, index.dim)
    assert verify(rebuilt).problems == ()
    assert (snapshot(rebuilt), sentences_of(rebuilt)) == (held, sentences)


def test_of_another_model_with_vectors_of_the_same_length_none_is_kept(put: Put, index: Index) -> None:
    put({"a.txt": "Dogs stay out."})
    other = WordEmbedder(name="other")
    change_model(written_in(index, "2", without=SECOND_LAYOUT_LACKS), other)
    assert sorted(other.embedded) == ["A\nDogs stay out.", "A. Dogs stay out.", "Dogs stay out."]


@pytest.mark.parametrize("at_a_time", [1, 3, 100])
def test_documents_go_over_some_at_a_time_and_stopping_loses_none(
    put: Put, index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(module, "_COMMIT_KEPT", at_a_time)
    put({f"{name}.txt": f"This is text {name}." for name in "abcdefg"})
    held = snapshot(index)
    old = written_in(index, "2", without=SECOND_LAYOUT_LACKS)
    for stop_after, documents in ((2, 2), (3, 5)):
        outcome, steps = change_model(old, embedder, stop_after=stop_after)
        assert (outcome, len(steps)) == (Reembedded(documents=documents, is_complete=False), stop_after)
    outcome, steps = change_model(old, embedder)
    assert (outcome.is_complete, [step.done for step in steps]) == (True, [6, 7])
    assert snapshot(Index(index.uri, index.embedder_name, index.dim)) == held


def test_what_was_embedded_before_an_error_is_not_embedded_again(put: Put, index: Index) -> None:
    def failing(texts: list[str]) -> Vectors:
        if "C\nFish swim." in texts:
            raise MemoryError
        return model.embed_passages(texts)

    put({"a.txt": "Dogs stay out.", "b.txt": "Cats come in.", "c.txt": "Fish swim."})
    model = WordEmbedder(name="other")
    with pytest.raises(MemoryError):
        change_model(index, model, embed=failing)
    outcome, steps = change_model(index, model)
    assert (outcome.documents, len(steps)) == (3, 1)


def test_rows_that_lie_in_another_order_come_back_in_theirs(put: Put, index: Index, embedder: WordEmbedder) -> None:
    put(HOUSE)
    held = snapshot(index)

    def reversed_(_: str, rows: pa.Table) -> pa.Table:
        return rows.take(list(reversed(range(len(rows)))))

    change_model(written_in(index, "2", without=SECOND_LAYOUT_LACKS, change=reversed_), embedder)
    rebuilt = Index(index.uri, index.embedder_name, index.dim)
    assert snapshot(rebuilt) == held
    assert verify(rebuilt).problems == ()
