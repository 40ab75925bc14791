"""A language model whose random weights seem to want what a good answer would say; every token is computed for real."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plugins.llama.context import Logits
from plugins.llama.generation import Generation
from plugins.llama.grammar import Grammar
from plugins.llama.model import LlamaModel
from plugins.llama.sampling import Candidates, Sampler
from plugins.llama.vocabulary import Vocabulary

LIKELIEST = 1e6
"""A logit above all that the weights come up with."""
NOTHING_FOUND = "I could not find that in the documents."
LINE = re.compile(r"^Lines:\n- (.+)$", re.MULTILINE)
PASSAGE = re.compile(r"^\[1\] .*\n> (.+)$", re.MULTILINE)
SENTENCES = re.compile(r"(?:.+?[.!?](?:\s|$)){1,2}")


def answer_to(messages: Sequence[Mapping[str, Any]]) -> str:
    """The first line of a quote prompt; the beginning of the first passage of a free one."""
    asked = str(messages[-1]["content"])
    if line := LINE.search(asked):
        return line[1]
    if (passage := PASSAGE.search(asked)) and (sentences := SENTENCES.match(passage[1])):
        return sentences[0].strip()
    return NOTHING_FOUND


class Insisting(Sampler):
    """Makes the script's next token the likeliest, and then chooses like any other."""

    def __init__(self, generation: Generation, *, vocabulary: Vocabulary, grammar: Grammar | None) -> None:
        super().__init__(generation, vocabulary=vocabulary, grammar=grammar)
        self._wanted = iter(vocabulary.tokenize(answer_to(generation.messages) + vocabulary.eos))

    @property
    def plain(self) -> bool:
        return False

    def choose(self, logits: Logits, candidates: Candidates) -> int | None:
        if (token := next(self._wanted, None)) is not None:
            logits[token] = LIKELIEST
        return super().choose(logits, candidates)


class ScriptedLlama(LlamaModel):
    """Answers what `answer_to` says."""

    def _sampler(self, generation: Generation, grammar: Grammar | None) -> Sampler:
        return Insisting(generation, vocabulary=self._vocabulary, grammar=grammar)
