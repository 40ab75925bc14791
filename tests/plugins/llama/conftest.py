"""A real GGUF with random weights: small enough to be made for every run, real enough for llama.cpp."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from plugins.llama.model import Delta, Generation, LlamaModel, collect

WIDTH, LAYERS, HEADS, INNER = 64, 2, 2, 128
CONTEXT_TOKENS = 1024
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TAGS = ["<tool_call>", "</tool_call>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokens() -> list[str]:
    """One token for each byte, written as GPT-2's tokenizer writes them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    names = {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return [names[byte] for byte in range(256)]


def write_gguf(
    path: Path,
    *,
    seed: int = 0,
    template: str | None = TEMPLATE,
    tokenizer: str = "gpt2",
    context_tokens: int = CONTEXT_TOKENS,
) -> Path:
    """A llama with random weights, a byte-level vocabulary and, unless None, a chat template."""
    tokens = [*byte_tokens(), *CONTROL, *TAGS, "th", "the"]
    kind = gguf.TokenType
    kinds = [kind.NORMAL] * 256 + [kind.CONTROL] * 3 + [kind.USER_DEFINED] * 2 + [kind.NORMAL] * 2
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model(tokenizer)
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(258)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for name, tensor in random_tensors(np.random.default_rng(seed), vocabulary=len(tokens)):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def random_tensors(rng: np.random.Generator, *, vocabulary: int) -> Iterator[tuple[str, np.ndarray]]:
    def normal(rows: int, columns: int, scale: float) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)

    yield "token_embd.weight", normal(vocabulary, WIDTH, 1.0)
    yield "output_norm.weight", np.ones(WIDTH, np.float32)
    yield "output.weight", normal(vocabulary, WIDTH, 0.5)
    for layer in range(LAYERS):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", INNER, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ):
            yield f"blk.{layer}.{name}.weight", normal(rows, columns, columns**-0.5)
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32)


@pytest.fixture(scope="session")
def gguf_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def make_gguf() -> Callable[..., Path]:
    return write_gguf


LoadModel = Callable[..., LlamaModel]


@pytest.fixture
def load_model(gguf_path: Path) -> Iterator[LoadModel]:
    """Load models that are closed after the test; without arguments the tiny one with 8 slots."""
    models: list[LlamaModel] = []

    def load(path: Path | None = None, **options: Any) -> LlamaModel:
        options = {"threads": 1, "context_tokens": 4096, "slots": 8} | options
        models.append(LlamaModel(path or gguf_path, **options))
        return models[-1]

    yield load
    for model in models:
        model.close()


@pytest.fixture(scope="module")
def model(gguf_path: Path) -> Iterator[LlamaModel]:
    """One model for all tests of a file that do not care about what it has read before."""
    model = LlamaModel(gguf_path, threads=1, context_tokens=4096, slots=8)
    yield model
    model.close()


def request(text: str = "hello", **options: Any) -> Generation:
    """A request of one user message."""
    return Generation(messages=[{"role": "user", "content": text}], **{"max_tokens": 24, **options})


@pytest.fixture
def ask() -> Callable[..., Generation]:
    """Make a request of one user message."""
    return request


@pytest.fixture
def answer(model: LlamaModel) -> Callable[..., Awaitable[Delta]]:
    """Ask the shared model and wait for the whole answer."""

    async def answer(text: str = "hello", **options: Any) -> Delta:
        return await collect(model.generate(request(text, **options)))

    return answer
