"""The network as trained and as llama.cpp runs it."""

from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import pytest
import torch

from agent.quote import quote_messages
from plugins.llama.prompt import ChatTemplate
from training.llm.export import write_gguf
from training.llm.network import Network, Shape
from training.llm.tokens import CHAT_TEMPLATE, chat_text, train_tokenizer

TEXTS = ["The Zorvik pool opens at 10:30 am.", "breakfast is served from 7 until noon", "Café Zoë costs 12 euros."]
PROMPT = chat_text(quote_messages(TEXTS, "when does the pool open"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory):
    """A small untrained network, its tokenizer, and both in llama.cpp."""
    torch.manual_seed(3)
    tokenizer = train_tokenizer([*TEXTS, PROMPT], pieces=420)
    network = Network(Shape(vocabulary=tokenizer.get_vocab_size(), width=64, layers=3, heads=2, hidden=96))
    path: Path = tmp_path_factory.mktemp("gguf") / "llama.gguf"
    write_gguf(path, network, tokenizer, kind=gguf.GGMLQuantizationType.F32)
    llama = llama_cpp.Llama(str(path), n_ctx=512, n_threads=1, logits_all=True, type_k=0, type_v=0, verbose=False)
    yield network, tokenizer, llama
    llama.close()


@pytest.mark.parametrize("text", [PROMPT, *TEXTS, "e\nf  g\t!", "日本 🎹 'quotes' \"more\""])
def test_llama_cpp_reads_the_same_tokens(exported, text: str) -> None:
    _, tokenizer, llama = exported
    assert llama.tokenize(text.encode(), add_bos=False, special=True) == tokenizer.encode(text).ids


def test_llama_cpp_gives_the_same_logits(exported) -> None:
    network, tokenizer, llama = exported
    ids = tokenizer.encode(PROMPT).ids
    llama.eval(ids)
    theirs = np.array(llama.scores[: len(ids)])
    with torch.no_grad():
        ours = network(torch.tensor([ids]))[0].numpy()
    assert np.abs(theirs - ours).max() < 1e-3


def test_the_chat_template_writes_what_the_network_was_trained_on() -> None:
    messages = quote_messages(TEXTS, "and on sunday", [{"role": "user", "content": "when is breakfast"}])
    assert ChatTemplate(CHAT_TEMPLATE).render(messages) == chat_text(messages)


def test_pairs_beyond_the_rotating_ones_stand_still() -> None:
    network = Network(Shape(vocabulary=300, width=64, layers=2, heads=2, hidden=96))
    frequencies = network.frequencies()
    assert (frequencies[: network.shape.rotating_pairs] > 0).all()
    assert (frequencies[network.shape.rotating_pairs :] == 0).all()


def test_a_network_sees_no_later_token() -> None:
    network = Network(Shape(vocabulary=300, width=64, layers=2, heads=2, hidden=96))
    one, other = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[5, 6, 7, 9]])
    with torch.no_grad():
        assert torch.allclose(network(one)[:, :3], network(other)[:, :3])


def test_an_untrained_network_already_copies_what_it_has_read() -> None:
    torch.manual_seed(1)
    network = Network(Shape(vocabulary=600))
    once = torch.randperm(600)[None, :50]
    with torch.no_grad():
        guessed = network(torch.cat([once, once], dim=1))[0, 50:-1].argmax(dim=-1)
    assert (guessed == once[0, 1:]).float().mean() > 0.9
