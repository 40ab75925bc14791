"""The engine's start with what lies in the owner's folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.engine import build_engine
from agent.index import index_of
from agent.settings import EMBEDDERS, Settings
from knowledge.embeddings import Embedder
from knowledge.ingest import ingest
from knowledge.store import Vectors


@dataclass
class Recorded:
    """Embeds, and remembers what."""

    embed: Callable[[Sequence[str]], Vectors]
    texts: list[str] = field(default_factory=list[str])

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.texts.extend(texts)
        return self.embed(texts)


def test_an_index_of_an_older_layout_is_rebuilt_with_its_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNOWLEDGE_URI", str(tmp_path / "index"))
    settings = Settings()
    (tmp_path / "a.md").write_text("# Breakfast\n\nBreakfast is served from seven in the garden room.\n")
    embedder = Embedder(settings.models.embedder, threads=1, copies=EMBEDDERS)
    index = index_of(settings, embedder=embedder.name, dim=embedder.dim)
    ours = "knowledge.index.LAYOUT"
    with monkeypatch.context() as before:
        before.setattr(ours, "1")
        ingest([tmp_path / "a.md"], index, embedder.embed_passages)
    assert index.is_outdated()
    engine = build_engine(settings)
    engine.embedder._model = embedder
    monkeypatch.setattr(embedder, "embed_passages", embedded := Recorded(embedder.embed_passages))
    retriever = engine.knowledge._load()
    assert not index.is_outdated()
    assert retriever.search("when is breakfast").passages[0].title == "Breakfast"
    assert not any("garden room" in text for text in embedded.texts)
