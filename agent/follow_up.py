"""Follow-up questions made whole: "and on Sunday?" after "when is breakfast?" is "when is breakfast on sunday".

"Where does it say that?" is about the last answer: what is searched is the question that it answered.

English rules on words alone. A question that no rule fits is searched as it was asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.prompts import stock_lines

MAX_WORDS = 8
"""A longer question says itself what it is about."""

_FILLER = re.compile(r"^(?:(?:okay|ok|well|uh|um|hm|so|then|right|oh)\b[ ,]*)+")
_LEANING = re.compile(r"^(?:(?:and|or|but|also|what about|how about|what is it with)\b[ ,]*)+")
_DAY = r"(?:(?:on|at|during) )?(?:the )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun|week)(?:day|end)s?)"
_ONLY_DAY = re.compile(rf"^{_DAY}(?: too| as well)?$")
_DAYS = re.compile(rf" ?\b{_DAY}\b")
_PREPOSITION = re.compile(r"^(for|with|without|in|from|by|at|on|to)\b")
_GROUP = re.compile(
    r"\b(?:child(?:ren)?|kids?|bab(?:y|ies)|adults?|students?|seniors?|members?|visitors?|groups?|families)$"
)
_POINTING = re.compile(r"\b(?:it|that|they|them|those|these)\b")
_ABOUT_THE_TALK = re.compile(
    r"\b(?:say|said|repeat|again|hear|heard|understand|mean|all|help)\b|^(?:thank|bye|goodbye|yes|no|please)"
)
_ASKING = re.compile(
    r"^(?:how(?: (?:much|many|long|often|far|old|late|early|soon|big|large|small|high|tall|wide|deep|warm|hot|cold|"
    r"expensive|fast|safe))?|at what time|what time|what|until when|since when|"
    r"from when|when|where|who|which|why|is|are|do|does|can|could|may|must|should|will|would)\b"
)
_FRAME = re.compile(
    _ASKING.pattern
    + r"(?: (?:is|are|was|do|does|can|could|may|must|should|will|would|have|has|costs?|there|i|you|we|to)\b)*"
)
_WHOLE_FRAME = re.compile(r" (?:(?:is|are|was|were) (?:i|you|we)|(?:i|you|we|to) (?:do|have))$")
"""Words of a frame that ask something by themselves: "where are you", "what is there to do"."""
_VERB_LAST = re.compile(
    r" (?:cost|open|close|start|begin|end|last|take|run|leave|arrive|served?|heated|available|possible|allowed|held)\b"
    r".*$"
)
_LAST_NOUNS = re.compile(r"^(.*\b(?:bring|have|take|rent|borrow|book|buy|use|pay for) )(?:.+)$")
_ASKING_TO_HEAR_AGAIN = re.compile(r"(?:(?:oh|uh|um|i'm|i am|sorry|pardon|pardon me|excuse me|what|huh|eh)\b[ ,?!]*)+")
_THIS = r"(?:it|that|this|so)"
_WRITTEN = r"(?:say|says|said|stand|stands|written(?: down)?|stated|printed|mentioned)"
_PAPER = r"(?:documents?|files?|papers?|pages?|texts?|sections?|chapters?|parts?|sources?)"
_STANDS = rf"(?: {_THIS}| {_WRITTEN}| come| in| on| from){{0,3}}"
_ASKING_FOR_SOURCE = re.compile(
    r"(?:(?:can|could|would|will) you (?:please )?|please )?(?:(?:tell|show) me )?(?:"
    rf"where(?: exactly)?(?:'s| does| do| did| is| was| can i)?(?: {_THIS})?(?: is)? "
    rf"(?:{_WRITTEN}(?: {_THIS})?|read {_THIS})"
    rf"|where(?: exactly)? (?:did|do|have) you (?:get|got|have|read|find|take|know|see) {_THIS}(?: from)?"
    r"|where (?:does|did) (?:that|this|the) (?:information|answer) come from"
    rf"|how do you know(?: {_THIS})?"
    rf"|what(?:'s| is| are| was| were) (?:your|the) sources?(?: (?:for|of) {_THIS})?"
    rf"|(?:in |on |from )?(?:which|what) {_PAPER} (?:is|was|says?|said|does|did) {_THIS}{_STANDS}"
    r"|(?:in|from) (?:which|what) (?:document|file|source)"
    rf"|who (?:says|said|told you) {_THIS}|says who"
    rf"|(?:do you have|have you got|is there|give me|name) (?:a|your|the|any) sources?(?: for {_THIS})?"
    r")(?: in (?:the|your) documents?)?(?: please)?"
)


@dataclass(frozen=True)
class _Question:
    """A question in three: "what does", "a rowing boat", "cost"."""

    frame: str
    topic: str
    verb: str


def search_query(question: str, history: Sequence[Mapping[str, Any]] = ()) -> str:
    """What to search the documents for: `question`, made whole from the caller's previous one if it leans on that.

    `history` is the conversation before it as messages with `role` and `content`.
    """
    asked = " ".join(question.split())
    if asks_for_source(asked) and (said := last_answer(history)):
        return _answered_by(said, history)
    before = [place for place, turn in enumerate(history) if turn["role"] == "user" and _has_topic(turn["content"])]
    if not before or not _has_topic(asked) or len(asked.split()) > MAX_WORDS:
        return asked
    tail = _FILLER.sub("", _plain(asked))
    if _ABOUT_THE_TALK.search(tail):
        return asked
    previous = _plain(search_query(str(history[before[-1]]["content"]), history[: before[-1]]))
    return _whole(tail, previous) or asked


def asks_to_hear_again(question: str) -> bool:
    """Whether it is "sorry, what?", and nothing else."""
    return bool(_ASKING_TO_HEAR_AGAIN.fullmatch(_plain(question)))


def _has_topic(said: Any) -> bool:
    """Whether a question may lean on it: not on "thank you", nor on "who are you"."""
    return bool(plain := _plain(str(said))) and plain not in _small_talk() and not asks_to_hear_again(plain)


@cache
def _small_talk() -> frozenset[str]:
    return frozenset(_plain(example) for line in stock_lines() for example in line.examples)


def asks_for_source(question: str) -> bool:
    """Whether it is "where does it say that?", and nothing else."""
    return bool(_ASKING_FOR_SOURCE.fullmatch(_LEANING.sub("", _FILLER.sub("", _plain(question.replace("’", "'"))))))


def last_answer(history: Sequence[Mapping[str, Any]]) -> str:
    """What the agent said last, not counting where something stands; empty if it has said nothing."""
    for place in reversed(range(len(history))):
        asked = str(history[place - 1]["content"]) if place else ""
        if history[place]["role"] == "assistant" and not asks_for_source(asked):
            return str(history[place]["content"])
    return ""


def _answered_by(said: str, history: Sequence[Mapping[str, Any]]) -> str:
    """The search for the question that was first answered so; for what nobody asked for, its own words."""
    first = next(place for place, turn in enumerate(history) if turn["content"] == said)
    if not first or history[first - 1]["role"] != "user":
        return said
    return search_query(str(history[first - 1]["content"]), history[: first - 1])


def _plain(text: str) -> str:
    return text.lower().strip(" ?.!,")


def _whole(tail: str, previous: str) -> str:
    """The follow-up `tail` with what it leaves out taken from `previous`; empty if it leaves out nothing."""
    news = _LEANING.sub("", tail)
    asking = _ASKING.match(news)
    if asking is None:
        is_leaning = news != tail or _ONLY_DAY.match(news) or _is_phrase(news)
        return _with(news, previous) if is_leaning else ""
    frame = _FRAME.match(news)
    topic = _split(previous).topic
    if frame and frame.end() == len(news):
        return "" if _WHOLE_FRAME.search(news) else f"{news} {topic}"
    if _POINTING.search(news):
        return _POINTING.sub(lambda _: topic, news, count=1)
    return ""


def _is_phrase(news: str) -> bool:
    """Whether it is "for two hours" or "with breakfast", and not "in which room is breakfast"."""
    return bool(_PREPOSITION.match(news)) and not any(_ASKING.match(word) for word in news.split())


def _with(news: str, previous: str) -> str:
    """`previous` with `news` put where it belongs: the day, the "for whom", or what it is about."""
    if _ONLY_DAY.match(news):
        return f"{_DAYS.sub('', previous)} {news}"
    if preposition := _PREPOSITION.match(news):
        return f"{previous.split(f' {preposition.group(1)} ')[0]} {news}"
    if _GROUP.search(news) and " for " in previous:
        return f"{previous.split(' for ')[0]} for {news}"
    question = _split(previous)
    if doing := _LAST_NOUNS.match(question.topic):
        return f"{question.frame} {doing.group(1)}{news}"
    return " ".join(part for part in (question.frame, news, question.verb) if part)


def _split(question: str) -> _Question:
    frame = _FRAME.match(question)
    rest = question[frame.end() :] if frame else f" {question}"
    verb = _VERB_LAST.search(rest)
    topic = rest[: verb.start()] if verb else rest
    return _Question(
        frame=frame.group() if frame else "", topic=topic.strip(), verb=verb.group().strip() if verb else ""
    )
