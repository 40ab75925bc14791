"""A Qwen2 of random numbers loads, has the real one's formats, and says what it is made to want."""

from collections.abc import Iterator

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from agent.prompting import free_messages
from agent.quote import grammar_of, quote_messages
from bench.shapes.answering import NOTHING_FOUND, ScriptedLlama, answer_to
from bench.shapes.blocks import random_blocks
from bench.shapes.llama import HALF_B, LlamaShape, tensors, write_llama
from bench.shapes.pieces import vocabulary
from plugins.llama.model import Generation, collect

LINE = 'Breakfast is served from 7 am to 10:30, and the bell says "ding".'
TEXT = "Breakfast is at seven. It ends at ten. Coffee is there all day."
TINY = LlamaShape(layers=2, width=64, heads=2, key_heads=1, hidden=256, vocabulary=4000)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedLlama]:
    path = tmp_path_factory.mktemp("llama") / "model.gguf"
    write_llama(path, TINY)
    model = ScriptedLlama(path, threads=1, context_tokens=2048, slots=2)
    yield model
    model.close()


def free(text: str) -> list[dict[str, str]]:
    passages = [{"title": "Times", "text": text}, {"title": "Dogs", "text": "Dogs are welcome."}]
    return free_messages("Be kind.", {"passages": passages if text else []}, "when is breakfast", [])


@pytest.mark.parametrize("kind", [Kind.Q4_K, Kind.Q5_0, Kind.Q6_K, Kind.Q8_0])
def test_random_blocks_are_weights_around_zero(kind: Kind) -> None:
    blocks = random_blocks(64, 1024, kind, spread=0.02, random=np.random.default_rng(1))
    weights = gguf.quants.dequantize(blocks, kind)
    assert weights.shape == (64, 1024)
    assert weights.std() == pytest.approx(0.02, rel=0.02)
    assert abs(weights.mean()) < 0.002


def test_rows_that_do_not_fit_the_k_formats_get_the_next_simple_one() -> None:
    kinds = {name: kind for name, _, kind in tensors(TINY, np.random.default_rng(1))}
    assert kinds["blk.0.attn_q.weight"] is Kind.Q5_0
    assert kinds["output.weight"] is Kind.Q8_0
    assert kinds["blk.0.ffn_down.weight"] is Kind.Q4_K
    assert kinds["blk.1.ffn_down.weight"] is Kind.Q6_K
    assert kinds["blk.0.attn_q.bias"] is Kind.F32


def test_a_vocabulary_has_the_size_that_was_asked_for_and_reads_english_in_words() -> None:
    tokenizer = vocabulary(HALF_B.vocabulary, special=("<|end|>",))
    assert tokenizer.get_vocab_size() == HALF_B.vocabulary
    assert tokenizer.token_to_id("<|end|>") == HALF_B.vocabulary - 1
    assert len(tokenizer.encode(" what time is breakfast").ids) == 4
    assert tokenizer.decode(tokenizer.encode(LINE).ids) == LINE


def test_the_script_is_what_a_good_answer_would_say() -> None:
    assert answer_to(quote_messages((LINE, "Dogs are welcome."), "when is breakfast")) == LINE
    assert answer_to(free(TEXT)) == "Breakfast is at seven. It ends at ten."
    assert answer_to(free("")) == NOTHING_FOUND


async def test_random_weights_quote_under_a_grammar(llama: ScriptedLlama) -> None:
    messages = quote_messages((LINE,), "when is breakfast")
    answer = await collect(llama.generate(Generation(messages=messages, grammar=grammar_of((LINE,)))))
    assert answer.text == LINE


async def test_random_weights_answer_freely_as_scripted_and_end_there(llama: ScriptedLlama) -> None:
    answer = await collect(llama.generate(Generation(messages=free(TEXT), max_tokens=100)))
    assert answer.text == "Breakfast is at seven. It ends at ten."
    assert answer.finish_reason == "stop"
