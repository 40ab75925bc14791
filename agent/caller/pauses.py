"""Callers who hesitate: `how much is [0.6] a massage` is spoken with six tenths of a second of silence inside."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from agent.caller.loudness import first_audible, last_audible
from plugins.audio import Float

PAUSE = re.compile(r"\s*\[(\d+(?:\.\d+)?)\]\s*")


def without_pauses(text: str) -> str:
    """The words alone."""
    return PAUSE.sub(" ", text).strip()


def with_pauses(text: str, speak: Callable[[str], Float], *, sample_rate_hz: int) -> Float:
    """`text` as mono float32, each stretch between its pauses made by `speak` and cut to what can be heard."""
    pieces = PAUSE.split(text)
    if len(pieces) == 1:
        return speak(text)
    return np.concatenate(list(_pieces(pieces, speak, sample_rate_hz)))


def _pieces(pieces: list[str], speak: Callable[[str], Float], sample_rate_hz: int) -> Iterator[Float]:
    for words, seconds in zip(pieces[::2], [*pieces[1::2], None], strict=True):
        if words:
            yield _audible(speak(words))
        if seconds:
            yield np.zeros(round(float(seconds) * sample_rate_hz), np.float32)


def _audible(audio: Float) -> Float:
    first, last = first_audible(audio), last_audible(audio)
    return audio if first is None or last is None else audio[first : last + 1]
