"""When each word was said."""

from collections.abc import Sequence
from itertools import accumulate

from plugins.whisper.tokens import Piece
from plugins.whisper.transcripts import Word

STEP_S = 0.02
"""One step of the decoder's attention over the audio."""
SHORTEST_WORD_S = 0.02


def words_from_attention(pieces: Sequence[Piece], path: Sequence[tuple[int, int]], *, end_s: float) -> list[Word]:
    """Words with times from the path (token, step) that cross-attention takes through the audio.

    Each token begins at the first step of its row; a word ends where the next begins, the last no later than `end_s`.
    """
    first_steps: dict[int, int] = {}
    for token, step in path:
        first_steps.setdefault(token, step)
    boundaries = accumulate((piece.tokens for piece in pieces), initial=0)
    begins = [min(end_s, first_steps[token] * STEP_S) if token in first_steps else end_s for token in boundaries]
    return [
        Word(piece.text, start_s, max(start_s + SHORTEST_WORD_S, until_s))
        for piece, start_s, until_s in zip(pieces, begins, begins[1:], strict=False)
    ]


def words_by_length(pieces: Sequence[Piece], *, start_s: float, end_s: float) -> list[Word]:
    """Words spread over a stretch of speech by their number of letters."""
    total = sum(len(piece.text) + 1 for piece in pieces)
    words: list[Word] = []
    at_s = start_s
    for piece in pieces:
        until_s = at_s + (end_s - start_s) * (len(piece.text) + 1) / total
        words.append(Word(piece.text, at_s, until_s))
        at_s = until_s
    return words


def is_plausible(words: Sequence[Word]) -> bool:
    """Whether times grow and most words last: an untrained alignment head puts them all in one place."""
    starts = [word.start_s for word in words]
    distinct = len({round(start, 3) for start in starts})
    return starts == sorted(starts) and distinct * 2 > len(starts)
