"""Question sets about invented organisations: what is asked, where the answer stands, and how it may be misspelt.

Each folder of `knowledge_sets` has `documents`, `questions.txt` (question => key fact => beginning of the sentence that
says it) and `silent.txt`, questions that its documents do not answer.
"""

import random
import zlib
from dataclasses import dataclass
from pathlib import Path

SETS = Path(__file__).with_name("knowledge_sets")
_SOUNDS = (("ph", "f"), ("ck", "k"), ("tion", "shun"), ("ough", "uff"), ("ee", "ea"), ("qu", "kw"), ("wh", "w"))
_HOMOPHONES = {
    "where": "wear",
    "there": "their",
    "to": "two",
    "for": "four",
    "ferry": "fairy",
    "fare": "fair",
    "who": "hoo",
    "what": "watt",
    "cost": "coast",
    "is": "his",
    "many": "any",
    "do": "due",
    "by": "buy",
    "the": "a",
    "how": "now",
    "does": "dose",
    "write": "right",
    "boat": "bout",
    "when": "wen",
    "which": "witch",
}
_FILLERS = ("uh", "um", "so", "well")


@dataclass(frozen=True)
class Question:
    """A question, the alternatives of its key fact, and a piece of the sentence that tells it."""

    asked: str
    key: tuple[str, ...]
    passage: str


@dataclass(frozen=True)
class QuestionSet:
    """One organisation."""

    name: str
    documents: Path
    questions: tuple[Question, ...]
    silent: tuple[str, ...]


def read_sets() -> list[QuestionSet]:
    """All organisations."""
    return [_read(folder) for folder in sorted(SETS.iterdir()) if folder.is_dir()]


def _read(folder: Path) -> QuestionSet:
    rows = [line.split(" => ") for line in (folder / "questions.txt").read_text("utf-8").splitlines()]
    questions = tuple(Question(asked, tuple(key.split(";")), passage) for asked, key, passage in rows)
    silent = tuple((folder / "silent.txt").read_text("utf-8").splitlines())
    return QuestionSet(folder.name, folder / "documents", questions, silent)


def mistyped(text: str) -> str:
    """The text with a slip of the finger in up to two of its longer words; always the same."""
    dice = random.Random(zlib.crc32(text.encode()))
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for place in dice.sample(long, min(2, len(long))):
        words[place] = _slip(words[place], dice)
    return " ".join(words)


def _slip(word: str, dice: random.Random) -> str:
    at = dice.randrange(1, len(word) - 1)
    match dice.choice(("swapped", "left out", "doubled", "wrong")):
        case "swapped":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case "left out":
            return word[:at] + word[at + 1 :]
        case "doubled":
            return word[:at] + word[at] + word[at:]
        case _:
            return word[:at] + dice.choice("aeinrst") + word[at + 1 :]


def misheard(text: str) -> str:
    """The text as poor speech recognition writes it: filler, homophones, a lost small word, spelling by ear."""
    dice = random.Random(zlib.crc32(text.encode()) + 1)
    words = [dice.choice(_FILLERS), *text.split()]
    small = [place for place, word in enumerate(words) if word in _HOMOPHONES]
    for place in dice.sample(small, min(2, len(small))):
        words[place] = _HOMOPHONES[words[place]]
    short = [place for place, word in enumerate(words) if place and len(word) <= 2]
    if short:
        del words[dice.choice(short)]
    longest = max(range(len(words)), key=lambda place: (len(words[place]), place))
    words[longest] = _by_ear(words[longest])
    return " ".join(words)


def _by_ear(word: str) -> str:
    for written, heard in _SOUNDS:
        if written in word:
            return word.replace(written, heard, 1)
    half = len(word) // 2
    return f"{word[:half]} {word[half:]}" if len(word) >= 9 else word
