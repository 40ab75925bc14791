"""llama.cpp's working memory: one batch in, one row of logits for each token that asks for it."""

import ctypes
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plugins.errors import ModelCorrupt, ModelError
from plugins.llama.native import c
from plugins.llama.weights import Weights

TRIED_TOKENS = 32
TRIES = 3
"""The first of them brings the weights into memory."""

Logits = NDArray[np.float32]


class Row(NamedTuple):
    """The next tokens of one sequence. `ask`: return the logits after the last of them."""

    sequence: int
    position: int
    tokens: list[int]
    ask: bool


def open_context(weights: Weights, *, cells: int, sequences: int, batch_tokens: int, threads: int) -> Any:
    """llama.cpp's own context, for whoever frees it; of `threads` as many as are of use. Raises `ModelCorrupt`."""
    parameters = c.llama_context_default_params()
    parameters.n_ctx = cells
    parameters.n_seq_max = sequences
    parameters.kv_unified = True
    parameters.n_batch = parameters.n_ubatch = batch_tokens
    parameters.n_outputs_max = sequences
    parameters.n_threads = parameters.n_threads_batch = weights.worthwhile(threads)
    parameters.no_perf = True
    if not weights.on_gpu:
        # llama.cpp's flash attention reads fewer than 64 tokens at a time one by one on a processor: three times slower
        parameters.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_DISABLED
    if not (pointer := c.llama_init_from_model(weights.pointer, parameters)):
        raise ModelCorrupt(weights.path, "no context can be made of it; is there memory enough?")
    return pointer


class Context:
    """KV cells for `sequences` sequences, `cells` of them in all, shared as needed.

    For one thread at a time. Raises `ModelCorrupt` if no context can be made of the weights.
    """

    def __init__(self, weights: Weights, *, cells: int, sequences: int, batch_tokens: int, threads: int) -> None:
        self._pointer = open_context(
            weights, cells=cells, sequences=sequences, batch_tokens=batch_tokens, threads=threads
        )
        self._memory = c.llama_get_memory(self._pointer)
        self._vocabulary_size = c.llama_vocab_n_tokens(weights.vocabulary)
        self.cells = c.llama_n_ctx(self._pointer)
        self._batch = _Batch(batch_tokens, sequences)
        self._views: dict[tuple[int, int], Logits] = {}
        """The array over llama.cpp's logits as they lay last: they seldom move."""

    def decode(self, rows: Sequence[Row]) -> Logits | None:
        """Read `rows`, at most `batch_tokens` tokens. None if there are not enough cells; nothing changed then.

        Returns float32 [rows that ask, vocabulary], valid until the next call.
        Raises `ModelError` if the computation fails.
        """
        asking = self._batch.fill(rows)
        status = c.llama_decode(self._pointer, self._batch.native)
        if status == 1:
            return None
        if status:
            raise ModelError(f"llama.cpp cannot compute this batch (status {status})")
        return self._logits(asking)

    def reading_rate(self) -> float:
        """Tokens of a prompt that are read in a second. Takes three short reads, which are forgotten again."""
        row = Row(sequence=0, position=0, tokens=[0] * TRIED_TOKENS, ask=False)
        durations_s: list[float] = []
        for _ in range(TRIES):
            begin = time.perf_counter()
            self.decode([row])
            durations_s.append(time.perf_counter() - begin)
            self.clear()
        return TRIED_TOKENS / min(durations_s)

    def cut(self, sequence: int, position: int) -> None:
        """Forget everything of a sequence from a position on."""
        c.llama_memory_seq_rm(self._memory, sequence, position, -1)

    def copy(self, source: int, target: int, begin: int, end: int) -> None:
        """Let `target` see what `source` has read in positions [begin, end); costs no computation and no cells."""
        c.llama_memory_seq_cp(self._memory, source, target, begin, end)

    def state_bytes(self, sequence: int) -> int:
        """What `save` would give."""
        return c.llama_state_seq_get_size(self._pointer, sequence)

    def save(self, sequence: int) -> bytearray:
        """All that a sequence has read, for `restore`."""
        state = bytearray(self.state_bytes(sequence))
        c.llama_state_seq_get_data(self._pointer, _native(state), len(state), sequence)
        return state

    def restore(self, sequence: int, state: bytearray) -> bool:
        """Let an empty sequence have read what was saved. False if there are not enough cells; it is empty then."""
        return c.llama_state_seq_set_data(self._pointer, _native(state), len(state), sequence) > 0

    def clear(self) -> None:
        """Forget everything."""
        c.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        """Free the memory."""
        c.llama_free(self._pointer)

    def _logits(self, rows: int) -> Logits:
        if not rows:
            return np.empty((0, self._vocabulary_size), np.float32)
        first = ctypes.addressof(c.llama_get_logits(self._pointer).contents)
        if (known := self._views.get((first, rows))) is not None:
            return known
        values: Any = (ctypes.c_float * (rows * self._vocabulary_size)).from_address(first)
        view = np.frombuffer(values, np.float32).reshape(rows, self._vocabulary_size)
        self._views = {(first, rows): view}
        return view


def _native(state: bytearray) -> Any:
    return (ctypes.c_uint8 * len(state)).from_buffer(state)


class _Batch:
    """A `llama_batch` over arrays of our own, so that a step is a few slice assignments."""

    def __init__(self, tokens: int, sequences: int) -> None:
        self._token = (ctypes.c_int32 * tokens)()
        self._position = (ctypes.c_int32 * tokens)()
        self._one = (ctypes.c_int32 * tokens)(*[1] * tokens)
        self._numbers = (ctypes.c_int32 * sequences)(*range(sequences))
        self._addresses = [ctypes.addressof(self._numbers) + 4 * number for number in range(sequences)]
        self._sequence = (ctypes.c_size_t * tokens)()
        self._ask = (ctypes.c_int8 * tokens)()
        self.native = c.llama_batch()
        for name, array in (
            ("token", self._token),
            ("pos", self._position),
            ("n_seq_id", self._one),
            ("seq_id", self._sequence),
            ("logits", self._ask),
        ):
            kind = type(getattr(self.native, name))
            setattr(self.native, name, ctypes.cast(array, kind))

    def fill(self, rows: Sequence[Row]) -> int:
        """Put the rows into the batch; returns how many of them ask for logits."""
        if any(len(row.tokens) > 1 for row in rows):
            rows = [token for row in rows for token in _one_by_one(row)]
        size = len(rows)
        asks = [row.ask for row in rows]
        self._token[:size] = [row.tokens[0] for row in rows]
        self._position[:size] = [row.position for row in rows]
        self._sequence[:size] = [self._addresses[row.sequence] for row in rows]
        self._ask[:size] = asks
        self.native.n_tokens = size
        return sum(asks)


def _one_by_one(row: Row) -> Iterator[Row]:
    """A row for each of its tokens."""
    last = len(row.tokens) - 1
    for at, token in enumerate(row.tokens):
        yield Row(row.sequence, row.position + at, [token], row.ask and at == last)
