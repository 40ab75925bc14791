"""Which stretch of the teacher's audio belongs to which phoneme of Piper's phonemizer.

The teacher names its phones in ARPAbet, Piper gives IPA code points for the same text. Both run in the same order and
differ in a few places, so they are matched by cheapest edits, and each code point gets the time of its partner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from training.voice.flite import Segment

PAUSE = "_"
PUNCTUATION = frozenset(".,?!;:")
TIMELESS = frozenset("ʲˈˌː'-\u0329\u0303")
"""Code points that colour their neighbours and take no time of their own."""

_TEACHER_PHONES = f"""
    aa=ɑ ae=æ ah=ʌ ao=ɔ aw=aʊ ax=ə axr=ɚ ay=aɪ b=b ch=tʃ d=d dh=ð dx=ɾ eh=ɛ el=l em=m en=n er=ɚ ey=eɪ f=f
    g=ɡ hh=h hv=h ih=ɪ iy=i jh=dʒ k=k l=l m=m n=n nx=n ng=ŋ ow=oʊ oy=ɔɪ p=p r=ɹ s=s sh=ʃ t=t th=θ uh=ʊ uw=u
    v=v w=w y=j z=z zh=ʒ pau={PAUSE}
"""
_ARPABET = dict(pair.split("=") for pair in _TEACHER_PHONES.split())
_VOWELS = frozenset("ɑæʌɔaʊəɚeɛɪiouɜɐᵻɒ")
_SOUND_ALIKE = "ɚɜɹ əɚʌɐɪᵻɛ ɪiᵻ ɑɔɒaoʌ tdɾʔ sz ʃʒ θð uʊ oɔ nŋm lə eɛæ ij wu aæ"
_ALIKE = tuple(frozenset(group) for group in _SOUND_ALIKE.split())
_MISSING_PHONE = 1.0
_MISSING_PAUSE = 1.5
_SILENT_MARK = 0.05
_BORROWED = 0.4
"""Share of its predecessor's time that a phoneme gets where the teacher did not say it."""


@dataclass(frozen=True)
class Alignment:
    """Seconds for each phoneme, and the mean cost of the edits per timed phoneme (0: both agree)."""

    lengths_s: NDArray[np.float64]
    cost: float


def align(segments: Sequence[Segment], phonemes: Sequence[str]) -> Alignment:
    """Share the time of the teacher's segments out among the phonemes; the lengths keep their sum."""
    phones = _code_points(segments)
    timed = [place for place, phoneme in enumerate(phonemes) if phoneme not in TIMELESS]
    edits, cost = _cheapest_edits([phone.phone for phone in phones], [phonemes[place] for place in timed])
    lengths_s = np.zeros(len(phonemes))
    owner = timed[0]
    for phone, mark in edits:
        owner = owner if mark is None else timed[mark]
        if phone is not None:
            lengths_s[owner] += phones[phone].length_s
    _lend_time(lengths_s, phonemes)
    return Alignment(lengths_s, cost / len(timed))


def _code_points(segments: Sequence[Segment]) -> list[Segment]:
    """Segments named by single IPA code points; a diphthong or affricate is cut into equal parts."""
    points: list[Segment] = []
    for segment in segments:
        ipa = _ARPABET[segment.phone]
        points.extend(Segment(point, segment.length_s / len(ipa)) for point in ipa)
    return points


@cache
def _substitution(phone: str, phoneme: str) -> float:
    if phone == phoneme:
        return 0.0
    if phone == PAUSE:
        return 0.0 if phoneme in PUNCTUATION else 0.4 if phoneme == " " else 9.0
    if phoneme in PUNCTUATION or phoneme == " ":
        return 9.0
    if any(phone in group and phoneme in group for group in _ALIKE):
        return 0.3
    return 0.7 if (phone in _VOWELS) == (phoneme in _VOWELS) else 2.0


def _phone_deletion(phone: str) -> float:
    return _MISSING_PAUSE if phone == PAUSE else _MISSING_PHONE


def _phoneme_insertion(phoneme: str) -> float:
    return _SILENT_MARK if phoneme in PUNCTUATION or phoneme == " " else _MISSING_PHONE


Edit = tuple[int | None, int | None]


def _cheapest_edits(phones: Sequence[str], phonemes: Sequence[str]) -> tuple[list[Edit], float]:
    """Needleman and Wunsch: pairs of places in order, None where one side has no partner, and their total cost."""
    costs = [[0.0] * (len(phonemes) + 1) for _ in range(len(phones) + 1)]
    for column, phoneme in enumerate(phonemes, start=1):
        costs[0][column] = costs[0][column - 1] + _phoneme_insertion(phoneme)
    for row, phone in enumerate(phones, start=1):
        deletion, above, current = _phone_deletion(phone), costs[row - 1], costs[row]
        current[0] = above[0] + deletion
        for column, phoneme in enumerate(phonemes, start=1):
            current[column] = min(
                above[column - 1] + _substitution(phone, phoneme),
                above[column] + deletion,
                current[column - 1] + _phoneme_insertion(phoneme),
            )
    return _trace(costs, phones, phonemes), costs[-1][-1]


def _trace(costs: list[list[float]], phones: Sequence[str], phonemes: Sequence[str]) -> list[Edit]:
    row, column = len(phones), len(phonemes)
    edits: list[Edit] = []
    while row or column:
        here = costs[row][column]
        if row and here == costs[row - 1][column] + _phone_deletion(phones[row - 1]):
            row -= 1
            edits.append((row, None))
        elif column and here == costs[row][column - 1] + _phoneme_insertion(phonemes[column - 1]):
            column -= 1
            edits.append((None, column))
        else:
            row, column = row - 1, column - 1
            edits.append((row, column))
    return edits[::-1]


def _lend_time(lengths_s: NDArray[np.float64], phonemes: Sequence[str]) -> None:
    """A phoneme that the teacher did not say takes part of the time of the one before it."""
    for place in range(1, len(phonemes)):
        before = _timed_before(phonemes, place)
        if _is_sound(phonemes[place]) and not lengths_s[place] and phonemes[before] not in PUNCTUATION:
            lengths_s[place] = _BORROWED * lengths_s[before]
            lengths_s[before] -= lengths_s[place]


def _is_sound(phoneme: str) -> bool:
    return phoneme not in TIMELESS and phoneme not in PUNCTUATION and phoneme != " "


def _timed_before(phonemes: Sequence[str], place: int) -> int:
    before = place - 1
    while before and phonemes[before] in TIMELESS:
        before -= 1
    return before
