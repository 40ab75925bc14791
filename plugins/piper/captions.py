"""Captions of a clause: its text cut after each spoken word, so that the pieces joined are the text again."""

from collections.abc import Iterable
from dataclasses import dataclass

from plugins.client import WordTime


@dataclass(frozen=True)
class Caption:
    """A stretch of text ending with a word, and when the word is heard in its piece of audio."""

    text: str
    start_s: float
    end_s: float


class CaptionCutter:
    """Feed the words of one clause as its audio comes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def cut(self, words: Iterable[WordTime]) -> list[Caption]:
        """The text up to and with each word. A word that is not in the text adds nothing of its own."""
        captions: list[Caption] = []
        for word in words:
            at = self._text.find(word.text)
            if at >= 0:
                end = at + len(word.text)
                captions.append(Caption(self._text[:end], word.start_s, word.end_s))
                self._text = self._text[end:]
        return captions

    def rest(self) -> str:
        """What came after the last word."""
        rest, self._text = self._text, ""
        return rest
