"""Reranking with a cross-encoder of random weights: it orders the passages and changes nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from knowledge.errors import EmbedderMissing
from knowledge.index import Index
from knowledge.reranking import Reranker
from knowledge.retriever import Retriever
from tests.knowledge.fakes import WordEmbedder

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "sauna", "is", "heated", "at", "noon", "dogs", "sleep")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny model in the format of a pulled one."""
    folder = tmp_path / "cross-encoder"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(vocab_size=len(WORDS), num_labels=1, **sizes)).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_every_text_gets_a_score_between_nought_and_one(model: Path) -> None:
    reranker = Reranker(model)
    scores = reranker.scores("when is the sauna heated", ["the sauna is heated at noon", "dogs sleep"])
    assert len(scores) == 2
    assert all(0 < score < 1 for score in scores)
    assert reranker.scores("when", []) == []


def test_a_folder_without_a_model_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(EmbedderMissing):
        Reranker(tmp_path)


class Contrary:
    """Likes what speaks of dogs."""

    def scores(self, query: str, texts: list[str]) -> list[float]:
        return [0.9 if "Dogs" in text else 0.1 for text in texts]


def test_passages_come_in_the_rerankers_order_and_answers_stay(
    put: Callable[..., object], index: Index, embedder: WordEmbedder
) -> None:
    put({"spa.md": "# Spa\n\nThe sauna is heated at noon.", "pets.md": "# Pets\n\nDogs sleep in the garden sauna."})
    plain = Retriever(index, embedder).search("when is the sauna heated")
    reranked = Retriever(index, embedder, reranker=Contrary()).search("when is the sauna heated")
    assert [passage.title for passage in reranked.passages] == ["Pets", "Spa"]
    assert [one.text for one in reranked.candidates] == [one.text for one in plain.candidates]
    assert reranked.passages[reranked.candidates[0].passage].title == "Spa"
