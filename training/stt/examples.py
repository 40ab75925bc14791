"""Sentences about anything: the usage examples of WordNet (Princeton University; Debian: `wordnet-base`)."""

import re
from functools import cache
from pathlib import Path

from training.stt.text import spoken

WORDNET = Path("/usr/share/wordnet")
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
QUOTED = re.compile(r'"([^"]+)"')
NOT_PLAIN = re.compile(r"[0-9;:()\[\]]")
ENDING = re.compile(r"('s|n't|'m|'re|'ll|'ve|'d)$")
FEWEST_WORDS, MOST_WORDS = 3, 14


class ExamplesMissing(Exception):
    """WordNet is not installed; the message says how it gets here."""


@cache
def examples(known: frozenset[str]) -> list[str]:
    """Every example of 3 to 14 words, as spoken, that has only `known` words; their endings apart (`it's`)."""
    found = (spoken(text) for part in PARTS_OF_SPEECH for text in _quoted(part) if not NOT_PLAIN.search(text))
    return sorted({text for text in found if _is_plain(text.split(), known)})


def _quoted(part: str) -> list[str]:
    path = WORDNET / f"data.{part}"
    if not path.exists():
        raise ExamplesMissing(f"{path} is missing: apt install wordnet-base")
    glosses = (line.partition("| ")[2] for line in path.read_text(encoding="latin-1").splitlines())
    return [text for gloss in glosses for text in QUOTED.findall(gloss)]


def _is_plain(parts: list[str], known: frozenset[str]) -> bool:
    fits = FEWEST_WORDS <= len(parts) <= MOST_WORDS
    return fits and all(word in known or ENDING.sub("", word) in known for word in parts)
