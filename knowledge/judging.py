"""Whether the documents answer a question at all: four observations about the best sentence, weighed.

Similarity alone does not tell: "do you have a squash court" is close to "The squash soup is served in the court".
The weights are fitted on the development questions by `python -m training.llm.judging`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from knowledge.embeddings import Embeds
from knowledge.store import Vectors
from knowledge.words import Rarity, meaningful

_ASKS_FOR_A_THING = re.compile(
    r"(?:(?:and|so|hello|hi)\b[ ,]*)*(?:(?:do|does) (?:you|they|it) (?:have|offer|sell|serve|rent|do)|"
    r"is there|are there|(?:where )?can (?:i|we) (?:get|buy|rent|have))\b",
    re.IGNORECASE,
)
_LEAST_FOREIGN, _MOST_FOREIGN = -0.4, 0.3
_OWN_WORDS = -0.1
"""How foreign a question is all of whose words the sentence has."""
_MAX_WORDS_LEFT_OUT = 2
"""Four turn away no more questions without an answer, and embedding them takes twice as long."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against an answer in the documents.

    `score`: the best sentence's. `unknown`: share 0..1 of the question's words, rare ones counting more, that stand
    nowhere in the collection. `asks_for_thing`: "do you have …", which only the thing itself answers. `foreign`: how
    much nearer the question comes to the sentence (as similarity) without the one of its words that fits least;
    negative where every word belongs.
    """

    score: float
    unknown: float
    asks_for_thing: bool
    foreign: float


@dataclass(frozen=True)
class Weights:
    """A logistic model of `Evidence`: above `certain` an answer is there, below `possible` there is none."""

    score: float = 6.29
    unknown: float = -2.62
    asks_for_thing: float = -1.28
    foreign: float = -9.16
    certain: float = 1.86
    possible: float = -0.15

    def known(self, evidence: Evidence) -> float:
        """The sum without `foreign`, which is dear to find out."""
        return (
            self.score * evidence.score
            + self.unknown * evidence.unknown
            + self.asks_for_thing * evidence.asks_for_thing
        )

    def verdict(self, total: float) -> "Verdict":
        """What the whole sum means."""
        if total > self.certain:
            return "certain"
        return "possible" if total > self.possible else "none"


Verdict = Literal["certain", "possible", "none"]
WEIGHTS = Weights()


@dataclass(frozen=True)
class Case:
    """A question, the best sentence there is for it with its vector [dim] and score, and the collection's words."""

    question: str
    sentence: str
    vector: Vectors
    score: float
    rarity: Rarity


def judge(cases: Sequence[Case], embedder: Embeds) -> list[Verdict]:
    """Whether each sentence answers its question. Embeds, all in one go, only what can change a verdict."""
    known = [WEIGHTS.known(first_evidence(case.question, case.score, case.rarity)) for case in cases]
    open_cases = [place for place, total in enumerate(known) if _is_open(total)]
    foreign = dict(zip(open_cases, foreignness([cases[place] for place in open_cases], embedder), strict=True))
    return [
        WEIGHTS.verdict(total + WEIGHTS.foreign * foreign.get(place, _LEAST_FOREIGN))
        for place, total in enumerate(known)
    ]


def _is_open(known: float) -> bool:
    """Whether the verdict depends on how foreign the question is."""
    best, worst = known + WEIGHTS.foreign * _LEAST_FOREIGN, known + WEIGHTS.foreign * _MOST_FOREIGN
    return WEIGHTS.verdict(best) != WEIGHTS.verdict(worst)


def first_evidence(question: str, score: float, rarity: Rarity) -> Evidence:
    """What can be told without embedding anything; `foreign` is 0."""
    return Evidence(
        score=score,
        unknown=rarity.unknown(meaningful(question)),
        asks_for_thing=bool(_ASKS_FOR_A_THING.match(question.strip())),
        foreign=0.0,
    )


def foreignness(cases: Sequence[Case], embedder: Embeds) -> list[float]:
    """`Evidence.foreign` of each, rescaled for the embedder and limited to what the weights were fitted on.

    Only words that the sentence lacks are left out of the question: each costs an embedding.
    """
    asked = [[case.question, *_without_each_foreign_word(case)] for case in cases]
    texts = [text for one in asked if len(one) > 1 for text in one]
    vectors = iter(embedder.embed_queries(texts) if texts else ())
    return [
        _foreign(np.stack([*islice(vectors, len(one))]) @ case.vector, embedder.unrelated)
        if len(one) > 1
        else _OWN_WORDS
        for one, case in zip(asked, cases, strict=True)
    ]


def _foreign(similarities: Vectors, unrelated: float) -> float:
    """From the sentence's similarities with the question, which come first, and with the question without a word."""
    gained = float(np.max(similarities[1:] - similarities[0])) / (1 - unrelated)
    return min(_MOST_FOREIGN, max(_LEAST_FOREIGN, gained))


def _without_each_foreign_word(case: Case) -> Sequence[str]:
    """The question once without each of its words that the sentence does not have; of many, without the rarest."""
    words, own = case.question.split(), meaningful(case.sentence)
    weights = {place: sum(map(case.rarity.of, meaningful(word) - own)) for place, word in enumerate(words)}
    foreign = [place for place in sorted(weights, key=lambda place: -weights[place]) if weights[place] > 0]
    without = [" ".join(words[:place] + words[place + 1 :]) for place in foreign[:_MAX_WORDS_LEFT_OUT]]
    return [text or case.question for text in without]
