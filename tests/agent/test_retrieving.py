"""What the engine says when the documents cannot be searched."""

from pathlib import Path

import pytest

from agent.retrieving import EngineRetriever
from knowledge.index import Index
from knowledge.ingest import ingest
from plugins.errors import InvalidRequest, ModelError
from tests.knowledge.fakes import WordEmbedder

WITHIN = {"title": "", "source": "", "documents": True}


def retriever(folder: Path, *, made_with: str) -> EngineRetriever:
    """Over an index that another model has made, if it is of another name."""
    embedder = WordEmbedder()
    (folder / "a.md").write_text("Breakfast is served from seven.")
    ingest([folder / "a.md"], Index(folder / "index", made_with, embedder.dim), embedder.embed_passages)
    return EngineRetriever(Index(folder / "index", embedder.name, embedder.dim), embedder)


def test_an_index_that_was_made_anew_with_another_model_is_named(tmp_path: Path) -> None:
    stale = retriever(tmp_path, made_with="another-model")
    question = stale.question("when is breakfast", k=1, collection="default", **WITHIN)
    with pytest.raises(ModelError, match="another-model"):
        stale.search_all([question])


def test_what_cannot_be_a_collection_is_the_askers_mistake(tmp_path: Path) -> None:
    sound = retriever(tmp_path, made_with=WordEmbedder().name)
    with pytest.raises(InvalidRequest, match="cannot be a collection"):
        sound.question("when is breakfast", k=1, collection="a'b", **WITHIN)
    with pytest.raises(InvalidRequest, match="cannot be a collection"):
        sound.documents("a'b")
    assert [document.title for document in sound.documents("default")] == ["A"]
