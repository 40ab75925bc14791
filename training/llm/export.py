"""The trained network as a GGUF file that llama.cpp runs, and the proof that it is the same."""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.llm.network import Network
from training.llm.tokens import CHAT_TEMPLATE, END_OF_TEXT, SPECIAL, TURN_END, merges_of

CONTEXT_TOKENS = 4096
_STANDS_STILL = 1e9
"""llama.cpp divides a pair's rotation by this; so large that nothing turns within the context."""
_FILE_TYPES = {gguf.GGMLQuantizationType.F32: 0, gguf.GGMLQuantizationType.F16: 1, gguf.GGMLQuantizationType.Q8_0: 7}


def write_gguf(
    path: Path,
    network: Network,
    tokenizer: Tokenizer,
    *,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q8_0,
) -> None:
    """Write weights (matrices as `kind`), vocabulary, chat template and sizes to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    _add_sizes(writer, network)
    writer.add_file_type(_FILE_TYPES[kind])
    _add_vocabulary(writer, tokenizer)
    for name, weights in tensors(network):
        stored = weights if weights.ndim == 1 else gguf.quants.quantize(weights, kind)
        writer.add_tensor(name, stored, raw_dtype=None if weights.ndim == 1 else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(network: Network) -> list[tuple[str, NDArray[np.float32]]]:
    """All tensors under their GGUF names, those that llama.cpp wants beyond the weights included."""
    named = [(name, weight.detach().float().numpy()) for name, weight in network.named_parameters()]
    pairs, rotating = network.shape.head_width // 2, network.shape.rotating_pairs
    slowed = np.array([1.0] * rotating + [_STANDS_STILL] * (pairs - rotating), np.float32)
    return [*named, ("rope_freqs.weight", slowed)]


def _add_sizes(writer: gguf.GGUFWriter, network: Network) -> None:
    shape = network.shape
    writer.add_name("Landline starter")
    writer.add_license("Apache-2.0")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rotary_base)
    writer.add_vocab_size(shape.vocabulary)


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    pieces = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.CONTROL if piece in SPECIAL else gguf.TokenType.NORMAL for piece in pieces])
    writer.add_token_merges(merges_of(tokenizer))
    writer.add_bos_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_eos_token_id(tokenizer.token_to_id(TURN_END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
