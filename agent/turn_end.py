"""When a turn is over: how much silence it takes after which words. No clock, no waiting.

Three witnesses are heard: what was said (a question that is complete, a sentence that hangs in the air, a number being
read out), how it was said (the score of an end-of-turn model, where one runs), and the caller's own habit of pausing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Ending(IntEnum):
    """How the words end; the further down, the more silence they ask for."""

    FINISHED = 0
    """A complete question, a yes, a goodbye."""
    OPEN = 1
    """Nothing speaks for or against an end."""
    LOOSE = 2
    """The last word usually asks for another: "how much is", "a table for"."""
    HANGING = 3
    """More must come: "and", "the", "um", a number half read out."""


@dataclass(frozen=True)
class TurnRules:
    """Seconds of silence that end a turn, by how its words end."""

    finished_s: float = 0.25
    open_s: float = 0.45
    longest_s: float = 1.2

    def wait_s(self, ending: Ending) -> float:
        """Silence to wait for after such words."""
        steps = {
            Ending.FINISHED: self.finished_s,
            Ending.OPEN: self.open_s,
            Ending.LOOSE: (self.open_s + self.longest_s) / 2,
            Ending.HANGING: self.longest_s,
        }
        return steps[ending]


UNLIKELY_SCORE = 0.36
"""Below this the end-of-turn model has heard a voice that goes on."""
LIKELY_SCORE = 0.6
USUAL_SHARE = 0.8
"""A caller's usual pause: this share of the pauses is not longer."""
PAUSE_MARGIN_S = 0.1
PHONE_NUMBER_DIGITS = 7

Words = Sequence[str]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


ASKING = _set(
    "what when where which who whom whose why how is are am was were do does did can could will would shall should may"
    " might have has isn't aren't don't doesn't didn't can't couldn't won't"
)
BEFORE_A_QUESTION = _set("and so but then okay ok well hi hello please sorry yes no thanks great also oh")
CLOSING = _set("please thanks bye goodbye yes no yeah yep nope okay ok sure right correct exactly hello hi")
CLOSING_PHRASES = ("thank you", "very much", "that's all", "that is all", "never mind", "good bye", "that's it")
HANGING = _set(
    "and or but because the a an my your our their his her its if than um uh er erm hmm uhm every some any this these"
    " those very more i'm we're i'd we'd i'll we'll there's"
)
LOOSE = _set(
    "of to for with from at in on by about between during into until before after without like"
    " is are was were am be been do does did can could will would shall should may might must have has had"
    " want need know tell give show book order reserve me i we they you he she it's that's"
    " what which who whose how when where why so then also maybe"
)
WITH_PARTICLE = {
    "in": _set("check checks checked checking log logged logging sign signed move moved come book booked get hand"),
    "on": _set("log turn turned switch switched put try tried go carry come"),
    "by": _set("drop come stop pass"),
}
"""Verbs to which one of the `LOOSE` words belongs: with it they are whole."""
PRONOUNS = _set("i you he she it we they that this there")
AUXILIARIES = _set(
    "is are was were am be been do does did can could will would shall should may might must have has had want need"
)
DIGITS = dict.fromkeys(_set("zero oh one two three four five six seven eight nine double triple"), 1)
TENS = dict.fromkeys(
    _set(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
        " twenty thirty forty fifty sixty seventy eighty ninety hundred"
    ),
    2,
)
READ_OUT = _set("number phone mobile telephone code card reference booking pin email mail address spell spelled")
DOMAINS = _set("com org net uk de fr io info edu eu")


def silence_to_wait_s(
    text: str,
    *,
    score: float | None = None,
    pauses_s: Sequence[float] = (),
    rules: TurnRules,
    language: str = "en",
) -> float:
    """Seconds of silence after which the caller who said `text` is taken to be finished.

    `text` is the turn so far, `score` an end-of-turn model's probability, `pauses_s` the caller's latest pauses within
    turns. In languages other than English the words tell nothing.
    """
    ending = how_it_ends(text) if language in ("en", "auto") else Ending.OPEN
    ending = _with_score(ending, score)
    wait_s = rules.wait_s(ending)
    if ending is not Ending.FINISHED and pauses_s:
        wait_s = max(wait_s, usual_pause_s(pauses_s) + PAUSE_MARGIN_S)
    return min(wait_s, rules.longest_s)


def usual_pause_s(pauses_s: Sequence[float]) -> float:
    """A pause that most of the caller's pauses do not exceed."""
    ordered = sorted(pauses_s)
    return ordered[min(len(ordered) - 1, int(USUAL_SHARE * len(ordered)))]


def how_it_ends(text: str) -> Ending:
    """What the words of a turn so far tell about its end."""
    words = re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))
    if not words:
        return Ending.OPEN
    if is_read_out(words) or words[-1] in HANGING or text.rstrip().endswith(("...", "…", "-")):
        return Ending.HANGING
    if _is_closing(words):
        return Ending.FINISHED
    if _is_loose(words) or text.rstrip().endswith(","):
        return Ending.LOOSE
    if _is_question(words) or _is_follow_up(words):
        return Ending.FINISHED
    return Ending.OPEN


def is_read_out(words: Words) -> bool:
    """Whether a number, an e-mail address or a spelled name is still being read out."""
    announced = [index for index, word in enumerate(words) if word in READ_OUT]
    said = words[announced[-1] + 1 :] if announced else ()
    digits, length = _digits_at_end(words)
    if digits and (announced or length >= 3):
        return digits < PHONE_NUMBER_DIGITS
    if _letters_at_end(words) >= 2 and not _is_question(words):
        return True
    is_address = bool(announced) and "at" in said
    return is_address and words[-1] not in DOMAINS


def _digits_at_end(words: Words) -> tuple[int, int]:
    """How many digits the number words at the end stand for, and how many words they are."""
    digits = length = 0
    for word in reversed(words):
        size = len(word) if word.isdigit() else DIGITS.get(word) or TENS.get(word) or 0
        if not size:
            break
        digits, length = digits + size, length + 1
    return digits, length


def _letters_at_end(words: Words) -> int:
    count = 0
    for word in reversed(words):
        if len(word) > 1 or word.isdigit():
            break
        count += 1
    return count


def _is_loose(words: Words) -> bool:
    if words[-1] not in LOOSE:
        return False
    before = words[-2] if len(words) > 1 else ""
    if before in WITH_PARTICLE.get(words[-1], ()):
        return False
    is_short_answer = words[-1] in AUXILIARIES and before in PRONOUNS and not _is_question(words)  # "yes it is"
    is_inverted = words[-1] in PRONOUNS and before in AUXILIARIES and _is_question(words)  # "how are you"
    return not (is_short_answer or is_inverted)


def _is_closing(words: Words) -> bool:
    tail = " ".join(words[-2:])
    return words[-1] in CLOSING or tail in CLOSING_PHRASES or " ".join(words[-3:]) in CLOSING_PHRASES


def _is_question(words: Words) -> bool:
    """A question long enough to be whole."""
    rest = list(words)
    while rest and rest[0] in BEFORE_A_QUESTION:
        rest.pop(0)
    return len(rest) >= 3 and (rest[0] in ASKING or rest[0].split("'")[0] in ASKING)


def _is_follow_up(words: Words) -> bool:
    """ "And on Saturdays": the rest of a question that was asked before."""
    return len(words) >= 3 and words[0] == "and"


def _with_score(ending: Ending, score: float | None) -> Ending:
    """The model's opinion moves an ending by one step."""
    if score is None:
        return ending
    if score < UNLIKELY_SCORE:
        return Ending(min(ending + 1, Ending.HANGING))
    if score >= LIKELY_SCORE and ending is Ending.OPEN:
        return Ending.FINISHED
    return ending
