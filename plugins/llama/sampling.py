"""Which token comes next: the likeliest or a drawn one, and only what the grammar allows."""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plugins.errors import InvalidRequest
from plugins.llama.context import Logits
from plugins.llama.generation import Generation
from plugins.llama.grammar import Grammar
from plugins.llama.native import c
from plugins.llama.vocabulary import Vocabulary

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_DRAWN_FROM = 1024
"""Likeliest tokens that a die is thrown for: sorting a whole vocabulary takes as long as computing the next token."""
_GRAMMAR_TRIES = (64, 4096)
"""Likeliest tokens shown to a grammar before the whole vocabulary is, for the same reason."""


class GrammarState:
    """How far an answer has come in its grammar. Raises `InvalidRequest` if llama.cpp cannot follow the grammar."""

    def __init__(self, vocabulary: Vocabulary, grammar: Grammar) -> None:
        text, root = grammar.text.encode("utf-8", "replace"), grammar.root.encode()
        self._sampler = c.llama_sampler_init_grammar(vocabulary.pointer, text, root)
        if not self._sampler:
            raise InvalidRequest("llama.cpp cannot follow the grammar")

    def allow(self, candidates: Any) -> None:
        """Give minus infinity to all candidates that cannot come next."""
        c.llama_sampler_apply(self._sampler, candidates)

    def accept(self, token: int) -> None:
        """The token came next. It must have been allowed: llama.cpp ends the process otherwise."""
        c.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free the native state."""
        c.llama_sampler_free(self._sampler)


class Candidates:
    """Scratch space for one row of logits, shared by all samplers of a thread."""

    def __init__(self, vocabulary_size: int) -> None:
        self._ids = np.arange(vocabulary_size, dtype=np.int32)
        self._data = np.zeros(vocabulary_size, _TOKEN_DATA)
        self._native = c.llama_token_data_array()
        self._one = c.llama_token_data()
        self._native_one = c.llama_token_data_array(ctypes.pointer(self._one), 1, -1, False)

    def some(self, logits: Logits, count: int) -> Any:
        """The `count` likeliest tokens, in no order, with their logits; every token if there are no more."""
        if count >= len(logits):
            return self._of(self._ids, logits)
        ids = np.argpartition(logits, -count)[-count:]
        return self._of(ids, logits[ids])

    def passes(self, token: int, grammar: GrammarState) -> bool:
        """Whether a grammar allows this one token next."""
        self._one.id, self._one.logit = token, 0.0
        grammar.allow(self._native_one)
        return self._one.logit == 0.0

    def likeliest(self) -> int | None:
        """The best of the candidates that a grammar left; None if it left none."""
        row = self._data[: self._native.size]
        best = int(row["logit"].argmax())
        return None if np.isneginf(row["logit"][best]) else int(row["id"][best])

    def _of(self, ids: NDArray[np.integer], logits: Logits) -> Any:
        row = self._data[: len(ids)]
        row["id"], row["logit"], row["p"] = ids, logits, 0
        native = self._native
        native.data = self._data.ctypes.data_as(c.llama_token_data_p)
        native.size, native.selected, native.sorted = len(ids), -1, False
        return native


class Sampler:
    """Chooses the tokens of one answer. `close` frees its native parts."""

    def __init__(self, generation: Generation, *, vocabulary: Vocabulary, grammar: Grammar | None) -> None:
        self._vocabulary = vocabulary
        self._grammar: GrammarState | None = None
        self._draw: Any = None
        if grammar:
            self.follow(grammar)
        if generation.temperature > 0:
            self._draw = _draw_chain(generation)

    @property
    def plain(self) -> bool:
        """Whether the likeliest token is always the right one."""
        return self._draw is None and self._grammar is None

    def follow(self, grammar: Grammar | None) -> None:
        """From now on only what `grammar` allows, from its beginning; anything with None."""
        before, self._grammar = self._grammar, GrammarState(self._vocabulary, grammar) if grammar else None
        if before:
            before.close()

    def choose(self, logits: Logits, candidates: Candidates) -> int | None:
        """The next token for a row of logits [vocabulary]; None if the grammar allows none."""
        token = self._choose(logits, candidates)
        if token is not None and self._grammar:
            self._grammar.accept(token)
        return token

    def accept(self, token: int) -> None:
        """A token came next without having been chosen. The grammar must allow it."""
        if self._grammar:
            self._grammar.accept(token)

    def close(self) -> None:
        """Free the native parts."""
        if self._draw:
            c.llama_sampler_free(self._draw)
        if self._grammar:
            self._grammar.close()

    def _choose(self, logits: Logits, candidates: Candidates) -> int | None:
        token = self._drawn(candidates.some(logits, _DRAWN_FROM)) if self._draw else int(logits.argmax())
        if self._grammar is None or candidates.passes(token, self._grammar):
            return token
        for count in (*_GRAMMAR_TRIES, len(logits)):
            array = candidates.some(logits, max(count, _DRAWN_FROM) if self._draw else count)
            self._grammar.allow(array)
            if (best := candidates.likeliest()) is not None:
                return self._drawn(array) if self._draw else best
        return None

    def _drawn(self, array: Any) -> int:
        c.llama_sampler_apply(self._draw, array)
        return array.data[array.selected].id


def _draw_chain(generation: Generation) -> Any:
    """Temperature, then nucleus, then the die."""
    seed = c.LLAMA_DEFAULT_SEED if generation.seed is None else generation.seed % c.LLAMA_DEFAULT_SEED
    parameters = c.llama_sampler_chain_default_params()
    parameters.no_perf = True
    chain = c.llama_sampler_chain_init(parameters)
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_temp(generation.temperature))
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_top_p(generation.top_p, 1))
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_dist(seed))
    return chain
