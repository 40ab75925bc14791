"""An index in a temporary folder, a fake embedder, and the real one loaded once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.embeddings import Embedder
from knowledge.index import Index
from knowledge.ingest import Report, ingest
from tests.knowledge.fakes import WordEmbedder


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """The MiniLM that is installed with the program; importing its libraries takes long, so once for all tests."""
    embedder = Embedder(threads=1)
    embedder.load()
    return embedder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for documents."""
    path = tmp_path / "papers"
    path.mkdir()
    return path


@pytest.fixture
def index(tmp_path: Path, embedder: WordEmbedder) -> Index:
    return Index(tmp_path / "index", embedder.name, embedder.dim)


@pytest.fixture
def put(folder: Path, index: Index, embedder: WordEmbedder) -> Callable[..., Report]:
    """Write files into the folder and ingest it: `put({"a.txt": "We open at nine."})`."""

    def write_and_ingest(files: dict[str, str], *, collection: str = "default") -> Report:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return ingest([folder], index, embedder.embed_passages, collection=collection)

    return write_and_ingest
