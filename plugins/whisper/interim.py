"""Interim transcripts that hold still: the words on which two decodes in a row agree."""

import re
from collections.abc import Sequence

NOT_HEARD = re.compile(r"[^\w']+")


class Agreement:
    """Feed each decode of a growing utterance; get the beginning that can be shown.

    Words once agreed on stay while later decodes keep them; they are taken back only when two decodes in a row agree
    on other ones. Case and punctuation do not count, and the latest decode's are shown.
    """

    def __init__(self) -> None:
        self._previous: list[str] = []
        self._agreed: list[str] = []

    def update(self, text: str) -> str:
        """Add a decode and get the agreed text now."""
        current = text.split()
        common = common_words(self._previous, current)
        kept = common_words(self._agreed, current)
        if kept == len(self._agreed) or common > kept:
            self._agreed = current[: max(common, kept)]
        self._previous = current
        return " ".join(self._agreed)


def common_words(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words two texts share from the start, whatever their case and punctuation."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if heard(a) != heard(b):
            break
        count += 1
    return count


def heard(word: str) -> str:
    """A word as it sounds: no case, no punctuation."""
    return NOT_HEARD.sub("", word).casefold()
