"""Whether the agent gives way to a sound at the caller's microphone. A pure policy of durations and words.

The agent speaks up, is turned down on a mere suspicion, falls silent for speech but keeps its place, and stops for
words that mean it. A cough, a "mm-hm" or a noise says nothing: the agent takes up where it was turned down.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum

from plugins.whisper.interim import heard

USUAL = """
aha ah alright cool fine good great hm hmm hmmm huh indeed interesting mhm mm mmhm mmhmm mmm nice oh ok okay really
right sure true uh uhhuh uhuh um wow yea yeah yeh yep yes yup
"""
BACKCHANNELS = frozenset(USUAL.split())
PHRASES = re.compile(r"\b(i see|got it|makes sense|of course|mm[ -]?hmm?|uh[ -](huh|how)|all right|go on|go ahead)\b")
COMMANDS = frozenset(["stop", "wait", "quiet", "enough", "pause"])
"""Words that mean it however doubtful they were heard."""
FEW_WORDS = 2
SURE = 0.8
"""Confidence that a word or two need: what Whisper makes of a hum or a breath is as short, and doubtful."""
FEWEST_ECHOED = 2
"""Words in a row that must be the agent's own before a transcript is taken for its echo."""


class Stance(IntEnum):
    """How the agent speaks, from undisturbed to not at all."""

    SPEAK = 0
    DUCK = 1
    HOLD = 2
    STOP = 3


@dataclass(frozen=True)
class Patience:
    """Durations in seconds."""

    suspect_s: float = 0.02
    """Sound that turns the agent down, if it does not do so at once by being loud."""
    speech_s: float = 0.1
    """Speech that silences it."""
    noise_s: float = 0.6
    """Sound that has not become speech by then is the room's, and no longer minded."""
    quiet_s: float = 0.2
    """Quiet after a mere sound, until the agent is as loud as before."""
    wordless_s: float = 1.2
    """Quiet after speech of which no transcript comes, until the agent goes on."""


@dataclass(frozen=True)
class Evidence:
    """What is heard at the microphone now: for how long sound, and for how long speech or quiet."""

    sound_s: float = 0.0
    speech_s: float = 0.0
    quiet_s: float = 0.0
    is_loud: bool = False
    is_echo: bool = False


def give_way(stance: Stance, evidence: Evidence, patience: Patience) -> Stance:
    """The stance to take next. Only words (`is_meant`) stop the agent for good."""
    if stance is Stance.STOP:
        return stance
    if evidence.is_echo:
        return Stance.SPEAK
    if evidence.speech_s >= patience.speech_s:
        return Stance.HOLD
    if stance is Stance.HOLD:
        return Stance.SPEAK if evidence.quiet_s >= patience.wordless_s else Stance.HOLD
    is_suspect = evidence.is_loud or evidence.sound_s >= patience.suspect_s
    if is_suspect and evidence.sound_s < patience.noise_s:
        return Stance.DUCK
    is_over = evidence.quiet_s >= patience.quiet_s or evidence.sound_s >= patience.noise_s
    return Stance.SPEAK if is_over else stance


def is_meant(
    words: str,
    *,
    confidence: float = 1.0,
    is_final: bool = True,
    is_voiced: bool = True,
    spoken: Sequence[str] = (),
    is_echoing: bool = False,
) -> bool:
    """Whether words heard while the agent speaks are for it: no backchannel, no hum, no echo of what it has `spoken`.

    A sound that was speech for long enough `is_voiced`; of any other, a word or two are Whisper's guess at a cough.

    `spoken` is given only where the caller's microphone is known to hear the agent; if it `is_echoing` just now, one
    of its words is enough. A single word may still become anything until it `is_final`.
    """
    said = [word for word in map(heard, PHRASES.sub(" ", words.casefold()).split()) if word]
    telling = [word for word in said if word not in BACKCHANNELS]
    if not telling or (len(telling) == 1 and not is_final):
        return False
    if is_echoed(said, spoken, fewest=1 if is_echoing else FEWEST_ECHOED, share=0.3 if is_echoing else 0.5):
        return False
    is_sure = is_voiced and confidence >= SURE
    return len(telling) > FEW_WORDS or is_sure or not COMMANDS.isdisjoint(telling)


def is_echoed(words: Sequence[str], spoken: Sequence[str], *, fewest: int = FEWEST_ECHOED, share: float = 0.5) -> bool:
    """Whether more than a `share` of `words`, and no fewer than `fewest`, stand in `spoken` in the same order."""
    said, own = [heard(word) for word in words], [heard(word) for word in spoken]
    matches = SequenceMatcher(None, said, own, autojunk=False).get_matching_blocks()
    count = sum(match.size for match in matches)
    return count >= min(fewest, max(1, len(said))) and count > share * len(said)
