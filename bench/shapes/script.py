"""What the callers of a benchmark say: recognised by its sound, in whole or in part, without any model."""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from bench.shapes.sounds import Sounds
from plugins.whisper.transcripts import SAMPLE_RATE_HZ, Float, Word
from plugins.whisper.windows import voiced_span

LEAST_LIKENESS = 0.5
"""The same speech after a call is far above, different speech below."""
SLACK_S = 0.06
"""A word belongs to the stretch in which it ends; so much of its end may be missing."""


class Script:
    """All lines, each with its recording at 16 kHz."""

    def __init__(self, recordings: Mapping[str, Float]) -> None:
        self._recordings = recordings
        self._words = [words_in_time(text, audio) for text, audio in recordings.items()]
        self._sounds = Sounds(list(recordings.values()))

    def save(self, path: Path) -> None:
        """Write it for `load`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        texts, audio = list(self._recordings), list(self._recordings.values())
        sizes = np.array([one.size for one in audio])
        np.savez(path, texts=np.array(texts), sizes=sizes, audio=np.concatenate(audio))

    @classmethod
    def load(cls, path: Path) -> "Script":
        """Read what `save` wrote."""
        with np.load(path) as file:
            pieces = np.split(file["audio"], np.cumsum(file["sizes"])[:-1])
            return cls(dict(zip(map(str, file["texts"]), pieces, strict=True)))

    def words_of(self, audio: Float) -> tuple[Word, ...]:
        """The words of the line that `audio` is, or is a part of, in its own time; none if it is no line."""
        match = self._sounds.match(audio)
        if match.likeness < LEAST_LIKENESS:
            return ()
        length_s = audio.size / SAMPLE_RATE_HZ
        moved = (
            Word(word.text, word.start_s - match.begin_s, word.end_s - match.begin_s)
            for word in self._words[match.number]
        )
        return tuple(
            Word(word.text, max(0.0, word.start_s), min(length_s, word.end_s))
            for word in moved
            if SLACK_S < word.end_s <= length_s + SLACK_S
        )


def words_in_time(text: str, audio: Float) -> tuple[Word, ...]:
    """A line's words spread over its sound by their letters."""
    words = text.split()
    start_s, end_s = voiced_span(audio)
    ends = list(accumulate((len(word) + 1 for word in words), initial=0))
    times = [start_s + (end_s - start_s) * end / ends[-1] for end in ends]
    return tuple(Word(word, begin_s, until_s) for word, (begin_s, until_s) in zip(words, pairwise(times), strict=True))
