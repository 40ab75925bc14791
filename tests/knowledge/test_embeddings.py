"""The real MiniLM, loaded once; and what is said when a model is missing or damaged."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge.embeddings import Embedder
from knowledge.errors import EmbedderCorrupt, EmbedderMissing


class Recorder:
    """Stands in for a loaded sentence-transformers model."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        self.texts.extend(texts)
        return np.ones((len(texts), 384), dtype=np.float32)


def model_folder(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"hidden_size": 384}))
    (path / "tokenizer.json").write_text("{}")
    return path


def linked(model: Path, path: Path) -> Path:
    """A folder with links to all files of a model, so that single ones can be damaged."""
    for file in model.rglob("*"):
        if file.is_file():
            link = path / file.relative_to(model)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return path


def test_vectors_have_length_one_and_meaning(minilm: Embedder) -> None:
    question, *answers = minilm.embed_queries(
        ["when is breakfast", "The first meal is served at seven.", "Dogs stay out."]
    )
    assert minilm.dim == 384
    assert minilm.name == "all-MiniLM-L6-v2"
    assert question.dtype == np.float32
    assert np.linalg.norm(question) == pytest.approx(1.0, abs=1e-5)
    assert question @ answers[0] > question @ answers[1] + 0.2


def test_a_batch_gives_the_vectors_of_its_texts_in_their_order(minilm: Embedder) -> None:
    texts = [f"{'long ' * (number % 7)}text number {number}" for number in range(70)]
    batch = minilm.embed_passages(texts)
    assert batch.shape == (70, 384)
    for place in (0, 13, 69):
        assert batch[place] == pytest.approx(minilm.embed_passages([texts[place]])[0], abs=1e-4)


def test_nothing_to_embed_gives_no_vectors(minilm: Embedder) -> None:
    assert minilm.embed_queries([]).shape == (0, 384)


def test_threads_take_turns(minilm: Embedder) -> None:
    texts = [[f"question {number} of caller {caller}" for number in range(5)] for caller in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(minilm.embed_queries, texts))
    assert together[2] == pytest.approx(minilm.embed_queries(texts[2]), abs=1e-4)


def test_unrelated_texts_are_near_zero_for_this_model(minilm: Embedder) -> None:
    assert abs(minilm.unrelated) < 0.15


def test_a_very_long_text_is_no_trouble(minilm: Embedder) -> None:
    assert minilm.embed_queries(["word " * 2_000]).shape == (1, 384)


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("e5-small-v2", "query: hello", "passage: hello"),
        ("multilingual-e5-base", "query: hello", "passage: hello"),
        ("other-model", "hello", "hello"),
    ],
)
def test_the_prefixes_that_the_model_family_wants_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, query: str, passage: str
) -> None:
    recorder = Recorder()
    monkeypatch.setattr("knowledge.embeddings._load", lambda *_, **__: recorder)
    embedder = Embedder(model_folder(tmp_path, name))
    embedder.embed_queries(["hello"])
    embedder.embed_passages(["hello"])
    assert (embedder.name, recorder.texts) == (name, [query, passage])


def test_a_missing_model_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(EmbedderMissing, match=r"e5-small-v2.*landline models pull"):
        Embedder(tmp_path / "e5-small-v2")


@pytest.mark.parametrize(
    ("damaged", "content"),
    [
        ("config.json", b"{"),
        ("tokenizer.json", b'{"tru'),
        ("model.safetensors", b"junk" * 100),
        ("model.safetensors", b""),
    ],
)
def test_a_damaged_model_is_named_with_the_way_out(tmp_path: Path, damaged: str, content: bytes) -> None:
    path = linked(Embedder().path, tmp_path / "linked-model")
    (path / damaged).unlink()
    (path / damaged).write_bytes(content)
    with pytest.raises(EmbedderCorrupt, match=r"linked-model.*landline models pull"):
        Embedder(path).load()


def test_importing_and_naming_a_model_loads_nothing() -> None:
    heavy = "{'torch', 'sentence_transformers', 'transformers', 'lancedb', 'pyarrow'}"
    code = (
        "import sys, knowledge.ingest, knowledge.retriever, knowledge.embeddings as e;"
        f"e.Embedder().dim; print({heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
