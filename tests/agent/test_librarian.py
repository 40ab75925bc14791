"""Uploads are read in as the files that they are."""

from pathlib import Path
from typing import Any

import pytest

from agent.index import index_of
from agent.librarian import add
from agent.settings import Settings
from agent.vectors import EmbeddingModel
from knowledge.index import Index
from plugins.errors import EngineUnavailable
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


async def uploading(settings: Settings, name: str, text: str) -> dict[str, Any]:
    """Have a file of this name read in."""
    received = settings.knowledge.uploads / f".received{Path(name).suffix}"
    received.write_text(text)
    return await add(settings, received, settings.knowledge.uploads / name)


async def test_nothing_that_an_upload_names_is_fetched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(address: str, **_: object) -> None:
        raise AssertionError(f"{address} was asked for")

    monkeypatch.setattr("knowledge.places.addresses._fetch", fetch)
    upload = uploading(settings, "links.txt", "http://127.0.0.1:9/a\nhttp://127.0.0.1:9/b\n")
    assert (await upload)["outcome"] == "added"
    assert "http://127.0.0.1:9/a" in texts(settings)[0]


async def test_an_upload_is_known_by_the_name_that_it_is_kept_under(settings: Settings) -> None:
    assert (await uploading(settings, "menu.md", "Soup of the day."))["outcome"] == "added"
    [document] = index(settings).documents()
    [kept] = settings.knowledge.uploads.iterdir()
    assert (document.origin, document.source, kept.name) == (kept.as_posix(), "menu.md", "menu.md")


async def test_another_version_takes_the_place_of_the_former_one(settings: Settings) -> None:
    await uploading(settings, "menu.md", "Soup of the day.")
    assert (await uploading(settings, "menu.md", "Salad of the day."))["outcome"] == "changed"
    [kept] = settings.knowledge.uploads.iterdir()
    assert texts(settings) == [kept.read_text()] == ["Salad of the day."]


async def test_a_version_that_cannot_be_read_leaves_the_former_one(settings: Settings) -> None:
    await uploading(settings, "menu.md", "Soup of the day.")
    assert (await uploading(settings, "menu.md", "<!-- nothing -->"))["outcome"] == "failed"
    assert texts(settings) == [(settings.knowledge.uploads / "menu.md").read_text()] == ["Soup of the day."]


async def test_a_failure_while_a_version_is_read_leaves_the_former_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineUnavailable("gone")

    await uploading(settings, "menu.md", "Soup of the day.")
    monkeypatch.setattr(WordEmbedder, "embed_passages", fail)
    with pytest.raises(EngineUnavailable):
        await uploading(settings, "menu.md", "Salad of the day.")
    assert texts(settings) == [(settings.knowledge.uploads / "menu.md").read_text()] == ["Soup of the day."]
