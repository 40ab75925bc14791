"""The retriever: passages to answer from, sentences that could be the answer, and knowing when there is none."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from knowledge import retriever as module
from knowledge.embeddings import Embedder
from knowledge.errors import KnowledgeError
from knowledge.index import Index
from knowledge.ingest import Report, ingest
from knowledge.packing import FoundChunk
from knowledge.retrieval import StockLine, Wanted
from knowledge.retriever import MAX_QUERY_CHARS, Retriever, clip
from knowledge.scope import Scope
from tests.knowledge.fakes import WordEmbedder

Put = Callable[..., Report]
STOCK = (
    StockLine(name="greeting", text="Hello!", examples=("good morning", "good day")),
    StockLine(name="thanks", text="You are welcome.", examples=("thanks",)),
    StockLine(name="not_in_documents", text="My documents do not say."),
)
HOUSE = {
    "spa.md": "# Spa\n\n## Sauna\n\nThe sauna is heated from 2 pm every day. A towel costs 3 euros.\n\n"
    "## Massage\n\nA massage takes an hour and costs 72 euros.",
    "pets.md": "# Pets\n\nDogs are welcome in the garden rooms. Dogs must stay out of the restaurant.",
}


@pytest.fixture
def house(put: Put) -> Report:
    return put(HOUSE)


@pytest.fixture(params=[10_000, 0], ids=["in memory", "in tables"])
def retriever(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, index: Index, embedder: WordEmbedder
) -> Retriever:
    """The same behaviour whether a collection is small or large."""
    monkeypatch.setattr(module, "MAX_SENTENCES_IN_MEMORY", request.param)
    return Retriever(index, embedder, STOCK)


@pytest.mark.usefixtures("house")
def test_the_answering_sentence_comes_first_with_its_passage(retriever: Retriever) -> None:
    found = retriever.search("when is the sauna heated")
    best = found.candidates[0]
    assert best.text == "The sauna is heated from 2 pm every day."
    assert best.kind == "sentence"
    passage = found.passages[best.passage]
    assert (passage.title, passage.source) == ("Spa", "papers/spa.md")
    assert best.text in passage.text
    assert found.answerable


@pytest.mark.usefixtures("house")
def test_only_the_documents_that_are_named_are_searched(retriever: Retriever) -> None:
    asked = "what does a dog towel massage cost"
    assert {one.title for one in retriever.search(asked).passages} == {"Spa", "Pets"}
    assert {one.title for one in retriever.search(asked, title="Pets").passages} == {"Pets"}
    assert {one.title for one in retriever.search(asked, source="papers/spa.md").passages} == {"Spa"}
    for title in ("Pets", "O'Hara\x00\"%_' OR 1=1 --"):
        found = retriever.search(asked, title=title, source="papers/spa.md")
        assert not found.passages and not found.answerable


@pytest.mark.usefixtures("house")
def test_every_sentence_stands_in_the_passage_it_names(retriever: Retriever) -> None:
    found = retriever.search("what does a dog towel massage cost")
    sentences = [candidate for candidate in found.candidates if candidate.kind == "sentence"]
    assert len(sentences) >= 4
    assert all(candidate.text in found.passages[candidate.passage].text for candidate in sentences)


@pytest.mark.usefixtures("house")
def test_everything_is_sorted_by_score(retriever: Retriever) -> None:
    found = retriever.search("are dogs allowed in the restaurant")
    for scores in ([one.score for one in found.candidates], [one.score for one in found.passages]):
        assert scores == sorted(scores, reverse=True)


@pytest.mark.usefixtures("house")
def test_the_kind_of_answer_asked_for_decides_between_near_sentences(put: Put, retriever: Retriever) -> None:
    put({"bus.txt": "The bus stops beside the church. The bus leaves at 7:30. The bus costs 2 euros."})
    answers = [retriever.search(f"{asked} the bus").candidates[0].text for asked in ("where", "when", "how much is")]
    assert answers == ["The bus stops beside the church.", "The bus leaves at 7:30.", "The bus costs 2 euros."]


def test_a_sentence_for_one_day_gives_way_unless_that_day_is_asked_for(put: Put, retriever: Retriever) -> None:
    put({"a.txt": "On Sundays breakfast ends at 11:30. Breakfast ends at 10:30."})
    assert retriever.search("when does breakfast end").candidates[0].text == "Breakfast ends at 10:30."
    assert retriever.search("when does breakfast end on sunday").candidates[0].text.startswith("On Sundays")


@pytest.mark.usefixtures("house")
def test_what_the_documents_do_not_say_is_not_answerable(retriever: Retriever) -> None:
    assert not retriever.search("who won the chess tournament").answerable


@pytest.mark.usefixtures("house")
def test_a_stock_line_is_found_by_its_examples(retriever: Retriever) -> None:
    found = retriever.search("good morning")
    best = found.candidates[0]
    assert (best.kind, best.name, best.text, best.passage) == ("stock", "greeting", "Hello!", -1)
    assert not found.answerable
    assert "not_in_documents" not in {candidate.name for candidate in found.candidates}


@pytest.mark.usefixtures("house")
def test_with_documents_off_only_stock_lines_are_left(retriever: Retriever) -> None:
    found = retriever.search("when is the sauna heated", documents=False)
    assert found.passages == ()
    assert {candidate.kind for candidate in found.candidates} == {"stock"}
    assert not found.answerable


def test_an_empty_index_has_stock_lines_only(retriever: Retriever) -> None:
    found = retriever.search("thanks")
    assert found.passages == ()
    assert found.candidates[0].name == "thanks"


@pytest.mark.parametrize("query", ["", "  \n "])
def test_an_empty_question_finds_nothing(retriever: Retriever, query: str) -> None:
    found = retriever.search(query)
    assert (found.candidates, found.passages, found.answerable) == ((), (), False)


@pytest.mark.parametrize("query", ["?!…", "🦆🦆", "x" * 10_000, "when " * 2_000, "' OR 1=1; --", "\0\1"])
@pytest.mark.usefixtures("house")
def test_odd_questions_are_searched_like_any_other(retriever: Retriever, query: str) -> None:
    assert len(retriever.search(query).query) <= MAX_QUERY_CHARS


def test_a_long_question_keeps_its_beginning_and_its_end() -> None:
    clipped = clip("When do you open? " + "blah " * 2_000 + "And do you take dogs?")
    assert clipped.startswith("When do you open? blah")
    assert clipped.endswith("blah And do you take dogs?")
    assert len(clipped) <= MAX_QUERY_CHARS


def test_new_documents_count_at_once(put: Put, retriever: Retriever) -> None:
    put({"a.txt": "The sauna is heated at noon."})
    assert retriever.search("when is the sauna heated").candidates[0].text.endswith("noon.")
    put({"a.txt": "The sauna is heated at midnight."})
    assert retriever.search("when is the sauna heated").candidates[0].text.endswith("midnight.")


def test_collections_are_searched_apart(put: Put, retriever: Retriever) -> None:
    put({"a.txt": "The sauna is heated at noon."}, collection="other")
    assert not retriever.search("when is the sauna heated").answerable
    assert retriever.search("when is the sauna heated", collection="other").answerable
    with pytest.raises(KnowledgeError, match="cannot be a collection"):
        retriever.search("hello", collection="x'y")


def test_passages_keep_to_their_number_and_their_tokens(put: Put, retriever: Retriever) -> None:
    put({f"{number}.txt": f"Fact {number} about the sauna: " + "it is warm. " * 40 for number in range(8)})
    assert len(retriever.search("sauna").passages) == 5
    assert len(retriever.search("sauna", k=2).passages) == 2
    few = retriever.search("sauna", max_tokens=300).passages
    assert 0 < sum(len(passage.text) for passage in few) <= 1_200
    assert retriever.search("sauna", max_tokens=10).passages == ()


def test_the_same_text_in_two_documents_is_one_passage_and_one_candidate(put: Put, retriever: Retriever) -> None:
    put({"a.txt": "The sauna is heated at noon.", "b.txt": "The sauna is heated at noon."})
    found = retriever.search("sauna")
    assert len(found.passages) == 1
    assert [candidate.kind for candidate in found.candidates].count("sentence") == 1


@pytest.mark.usefixtures("house")
def test_a_retrieval_travels_as_json(retriever: Retriever) -> None:
    found = asdict(retriever.search("when is the sauna heated"))
    assert json.loads(json.dumps(found))["candidates"][0]["text"] == "The sauna is heated from 2 pm every day."


@pytest.mark.usefixtures("house")
def test_memory_and_tables_find_the_same(index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = Retriever(index, embedder, STOCK).search("what does a massage cost")
    monkeypatch.setattr(module, "MAX_SENTENCES_IN_MEMORY", 0)
    in_tables = Retriever(index, embedder, STOCK).search("what does a massage cost")
    assert [one.text for one in in_memory.candidates] == [one.text for one in in_tables.candidates]
    assert [one.chunk_id for one in in_memory.passages] == [one.chunk_id for one in in_tables.passages]


@pytest.mark.usefixtures("house")
def test_a_large_collection_is_read_again_only_when_it_has_become_another_size(
    put: Put, index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SENTENCES_IN_MEMORY", 0)
    retriever, readings = Retriever(index, embedder, STOCK), list[str]()
    read = index.all_sentences
    monkeypatch.setattr(index, "all_sentences", lambda *given, **more: readings.append("read") or read(*given, **more))
    retriever.search("when is the sauna heated")
    put({**HOUSE, "bar.md": "# Bar\n\nThe bar closes at midnight."})
    assert retriever.search("when does the bar close").candidates[0].text == "The bar closes at midnight."
    assert readings == ["read"]
    put({**HOUSE, "bar.md": "# Bar\n\n" + " ".join(f"Drink {number} is cold." for number in range(20))})
    retriever.search("when does the bar close")
    assert readings == ["read", "read"]


@pytest.mark.usefixtures("house")
def test_words_are_looked_for_while_the_question_is_embedded(
    index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SENTENCES_IN_MEMORY", 0)
    embedded, look, embed = Event(), index.matching_chunks, embedder.embed_queries

    def look_once_embedded(query: str, scope: Scope, **options: Any) -> list[FoundChunk]:
        assert embedded.wait(10)
        return look(query, scope, **options)

    monkeypatch.setattr(embedder, "embed_queries", lambda texts: embedded.set() or embed(texts))
    retriever = Retriever(index, embedder, STOCK)
    retriever.warm_up()
    embedded.clear()
    monkeypatch.setattr(index, "matching_chunks", look_once_embedded)
    assert retriever.search("when is the sauna heated").answerable


def test_stock_lines_are_embedded_once(index: Index, embedder: WordEmbedder) -> None:
    retriever = Retriever(index, embedder, STOCK)
    assert embedder.embedded == []
    retriever.warm_up()
    embedder.embedded.clear()
    retriever.search("farewell")
    assert embedder.embedded == ["farewell"]


@pytest.mark.usefixtures("house")
def test_questions_asked_together_find_what_each_finds_alone(retriever: Retriever) -> None:
    asked = [
        Wanted("when is the sauna heated"),
        Wanted("thanks", documents=False),
        Wanted("are dogs welcome", k=1),
        Wanted("  "),
        Wanted("are dogs welcome", scope=Scope("elsewhere")),
        Wanted("what does a massage cost", scope=Scope(title="Spa")),
    ]
    assert retriever.search_all(asked) == [retriever.search_all([one])[0] for one in asked]


@pytest.mark.usefixtures("house")
def test_questions_asked_together_are_embedded_together(retriever: Retriever, embedder: WordEmbedder) -> None:
    retriever.warm_up()
    calls = embedder.calls
    asked = ["when is the sauna painted", "are cats welcome", "what does a towel weigh"]
    retriever.search_all([Wanted(query) for query in asked])
    assert embedder.calls - calls <= len(["the questions", "the questions without a word"])


@pytest.mark.usefixtures("house")
def test_what_was_asked_before_is_not_embedded_again(retriever: Retriever, embedder: WordEmbedder) -> None:
    first = retriever.search("when is the sauna painted")
    embedder.embedded.clear()
    assert retriever.search("when is the sauna painted") == first
    assert embedder.embedded == []


@pytest.fixture(scope="module")
def demo(minilm: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    """The real embedder over the demo documents about parking and pets."""
    index = Index(tmp_path_factory.mktemp("demo") / "index", minilm.name, minilm.dim)
    documents = Path(__file__).parents[2] / "knowledge" / "demo"
    ingest([documents / "pets.md", documents / "parking.md"], index, minilm.embed_passages)
    return Retriever(index, minilm, STOCK)


@pytest.mark.parametrize(
    ("question", "document"),
    [("may i bring my poodle", "pets.md"), ("is there somewhere to leave the car", "parking.md")],
)
def test_real_embeddings_find_what_is_meant_without_its_words(demo: Retriever, question: str, document: str) -> None:
    found = demo.search(question)
    best = next(candidate for candidate in found.candidates if candidate.kind == "sentence")
    assert found.passages[best.passage].source == document


def test_real_embeddings_turn_strangers_away(demo: Retriever) -> None:
    assert not demo.search("what is the population of japan").answerable
