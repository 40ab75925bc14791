"""The fastest loop over llama.cpp's own functions that Python allows: what our scheduler is compared with."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plugins.llama.context import open_context
from plugins.llama.native import c
from plugins.llama.weights import Weights


class RawLoop:
    """A fixed set of sequences, the likeliest token each, nothing else: no text, no readers, nobody comes or goes."""

    def __init__(self, weights: Weights, *, cells: int, sequences: int, batch_tokens: int, threads: int) -> None:
        self._context = open_context(
            weights, cells=cells, sequences=sequences, batch_tokens=batch_tokens, threads=threads
        )
        self._vocabulary_size = c.llama_vocab_n_tokens(weights.vocabulary)
        self._batch = c.llama_batch_init(batch_tokens, 0, 1)

    def tokens_per_s(self, prompts: Sequence[Sequence[int]], *, steps: int) -> float:
        """Read the prompts, which have one length, and then write `steps` tokens after each: the rate of those."""
        c.llama_memory_clear(c.llama_get_memory(self._context), False)
        best = self._read(prompts)
        batch, start = self._batch, len(prompts[0])
        for row in range(len(prompts)):
            batch.n_seq_id[row], batch.seq_id[row][0], batch.logits[row] = 1, row, 1
        batch.n_tokens = len(prompts)
        begin_s = time.perf_counter()
        for position in range(start, start + steps):
            for row, token in enumerate(best):
                batch.token[row], batch.pos[row] = token, position
            best = self._step(len(prompts))
        return steps * len(prompts) / (time.perf_counter() - begin_s)

    def close(self) -> None:
        """Free the memory."""
        c.llama_batch_free(self._batch)
        c.llama_free(self._context)

    def _read(self, prompts: Sequence[Sequence[int]]) -> list[int]:
        batch, at = self._batch, 0
        for sequence, prompt in enumerate(prompts):
            for position, token in enumerate(prompt):
                batch.token[at], batch.pos[at] = token, position
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
                batch.logits[at] = position == len(prompt) - 1
                at += 1
        batch.n_tokens = at
        return self._step(len(prompts))

    def _step(self, rows: int) -> list[int]:
        """One decode; the likeliest next token of each row."""
        if status := c.llama_decode(self._context, self._batch):
            raise RuntimeError(f"llama_decode failed with status {status}")
        logits: NDArray[np.float32] = np.ctypeslib.as_array(
            c.llama_get_logits(self._context), (rows, self._vocabulary_size)
        )
        return logits.argmax(axis=1).tolist()
