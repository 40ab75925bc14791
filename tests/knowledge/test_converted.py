"""The quick form of an embedding model: nearly the same vectors, and never another model's."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.converted import LEAST_LIKENESS, ConvertedModel, find_copy, make_copy
from knowledge.embeddings import Embedder

TEXTS = ["hello", "The lake is 90 metres deep, and swimming is allowed.", "breakfast " * 400]


@pytest.fixture(scope="module")
def original() -> Embedder:
    return Embedder(threads=1)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a copy of the installed model, made by loading it."""
    folder = tmp_path_factory.mktemp("copies")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    Embedder(threads=1, copies=folder).load()
    yield folder


def test_the_copy_gives_nearly_the_same_vectors(original: Embedder, copies: Path) -> None:
    copy = find_copy(original.path, copies)
    assert copy
    vectors = ConvertedModel(copy, original.path, threads=1).encode(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (vectors * original.embed_passages(TEXTS)).sum(axis=1).min() > LEAST_LIKENESS


def test_with_a_copy_pytorch_is_not_imported(copies: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from knowledge.embeddings import Embedder;"
        f"Embedder(copies=Path({str(copies)!r})).load(); print(*{{'torch', 'transformers'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_damaged_copy_is_passed_over(original: Embedder, copies: Path, tmp_path: Path) -> None:
    shutil.copytree(copies, tmp_path / "copies")
    copy = find_copy(original.path, tmp_path / "copies")
    assert copy
    (copy / "model.bin").write_bytes(b"junk")
    Embedder(threads=1, copies=tmp_path / "copies").load()


def test_a_changed_model_has_no_copy(original: Embedder, copies: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(original.path, tmp_path / original.path.name))
    (changed / "config.json").write_text((changed / "config.json").read_text() + "\n")
    assert find_copy(changed, copies) is None


def test_a_copy_that_differs_is_not_kept(original: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_copy(original.path, tmp_path, lambda texts: original.embed_passages(texts[::-1]))
    assert find_copy(original.path, tmp_path) is None
    assert "differs" in caplog.text
    assert not list(tmp_path.iterdir())
