"""Texts for the teacher to speak: a small grammar of desk-assistant prose, and words from the system's dictionary."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

GRAMMAR = Path(__file__).with_name("grammar.txt")
DICTIONARY = Path("/usr/share/dict/american-english")
"""Installed by Debian's package `wamerican`."""

_WORD = re.compile("[a-z]{2,12}")
_PROPER = re.compile("[A-Z][a-z]{2,10}")
_SYMBOL = re.compile(r"\{(\w+)\}")
_TIMES = re.compile(r"\{times (\d+)\}")
_NEVER_SAID = re.compile(
    "f[ua]ck|shit|cunt|nigg|fag|rape|raping|rapist|slut|whore|bitch|cock|penis|porn|prostit|nazi|kike|spic|twat|wank"
)
_SENTENCE_END = re.compile("(?<=[.?!]) ")

Grammar = dict[str, list[str]]


def parse_grammar(text: str) -> Grammar:
    """Rules by name; a choice marked `{times N}` appears N times."""
    rules: Grammar = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, choices = line.partition(" = ")
            rules[name] = [copy for choice in choices.split(" | ") for copy in _repeated(choice.strip())]
    return rules


def _repeated(choice: str) -> list[str]:
    times = _TIMES.match(choice)
    return [_TIMES.sub("", choice)] * (int(times[1]) if times else 1)


def dictionary_rules(path: Path = DICTIONARY) -> Grammar:
    """The rules `word` and `proper`: plain and capitalized words of the dictionary, offensive ones left out."""
    words = [word for word in path.read_text().split() if not _NEVER_SAID.search(word.lower())]
    return {
        "word": [word for word in words if _WORD.fullmatch(word)],
        "proper": [word for word in words if _PROPER.fullmatch(word)],
    }


def expand(symbol: str, *, rules: Grammar, rng: random.Random) -> str:
    choice = rng.choice(rules[symbol])
    return _SYMBOL.sub(lambda match: expand(match[1], rules=rules, rng=rng), choice)


def texts(*, seed: int, grammar: Path = GRAMMAR, dictionary: Path = DICTIONARY) -> Iterator[str]:
    """An endless, repeatable run of sentences and clauses, as Piper's phonemizer would cut them."""
    rules = parse_grammar(grammar.read_text()) | dictionary_rules(dictionary)
    rng = random.Random(seed)
    while True:
        text = expand("sentence", rules=rules, rng=rng)
        text = text[0].upper() + text[1:] if text[-1] in ".?!" else text
        yield from _SENTENCE_END.split(text)
