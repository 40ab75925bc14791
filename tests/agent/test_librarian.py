"""Uploads are read in as the files that they are."""

from pathlib import Path

import pytest

from agent.index import index_of
from agent.librarian import add
from agent.settings import Settings
from agent.vectors import EmbeddingModel
from knowledge.index import Index
from tests.knowledge.fakes import WordEmbedder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty index, a folder for uploads, no engine."""
    words = WordEmbedder()

    async def embedding_model(*_: object) -> EmbeddingModel:
        return EmbeddingModel(words.name, words.dim, words.embed_passages)

    monkeypatch.setattr("agent.ingesting.embedding_model", embedding_model)
    monkeypatch.setenv("ENGINE_URL", f"unix:{tmp_path}/engine.sock")
    monkeypatch.setenv("KNOWLEDGE_URI", str(tmp_path / "knowledge"))
    monkeypatch.setenv("KNOWLEDGE_UPLOADS", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return Settings()


def index(settings: Settings) -> Index:
    words = WordEmbedder()
    return index_of(settings, embedder=words.name, dim=words.dim)


def texts(settings: Settings) -> list[str]:
    return [row.text for row in index(settings).all_chunks("default")[0]]


async def test_nothing_that_an_upload_names_is_fetched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(address: str, **_: object) -> None:
        raise AssertionError(f"{address} was asked for")

    monkeypatch.setattr("knowledge.places.addresses._fetch", fetch)
    links = settings.knowledge.uploads / "links.txt"
    links.write_text("http://127.0.0.1:9/a\nhttp://127.0.0.1:9/b\n")
    assert (await add(settings, links))["outcome"] == "added"
    assert "http://127.0.0.1:9/a" in texts(settings)[0]
    [document] = index(settings).documents()
    assert document.origin == links.as_posix()
