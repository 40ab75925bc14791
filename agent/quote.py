"""Quote mode: the answer is a line of the documents or of the house, word for word, whatever the model's weights.

Retrieval marks candidate lines and scores them. `choose_lines` keeps what may be said now. A clear winner stands alone;
of two that are about as good both are said or, if the model is trusted to choose, one. A line that may or may not be
the answer is said with a warning. Who asks where the last answer stands is told. The grammar holds nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.citing import where_it_says
from agent.follow_up import asks_for_source, asks_to_hear_again, last_answer
from agent.passages import spoken
from agent.prompts import read_prompt, read_stock
from knowledge.words import meaningful

Json = dict[str, Any]

MAX_LINES = 4
"""Sentences the model may choose from; more only confuse a small one."""
CLEAR_LEAD = 0.15
"""A sentence whose score is this much above the next is the answer by itself."""
MAX_PAIR_CHARS = 260
"""Two sentences are said together only up to this length."""
STOCK_SCORE = 0.62
"""Cosine similarity with an example from which small talk is taken for small talk."""
STOCK_LEAD = 0.0
"""How far small talk must be above the best sentence."""

_REQUEST = re.compile(
    r"(?:(?:and|so|okay|ok|well|hello|hi)\b[ ,]*)*(?:please|(?:can|could|would|will) you|i want|i would like|i'd like|"
    r"i need you|let me|put|connect|book|reserve|cancel|call|send|order|transfer|change|wake|take|write|"
    r"(?:can|could|may) i (?:speak|talk)|make)\b"
)
"""Begins like something the agent is asked to do, not like a question."""


@dataclass(frozen=True)
class QuotePrompt:
    """What goes to the model: OpenAI messages, and GBNF that allows the lines alone."""

    messages: list[Json]
    grammar: str
    lines: tuple[str, ...]


def quote_prompt(
    retrieval: Mapping[str, Any],
    question: str,
    history: Sequence[Mapping[str, Any]] = (),
    *,
    documents: bool = True,
    choosing: bool = False,
) -> QuotePrompt:
    """Prepare the answer to `question`; `retrieval` is `knowledge.Retrieval` as a dict.

    `history` is the messages before it; `documents` false says that the caller has switched the documents off;
    `choosing` lets the model choose between sentences that are about as good.
    """
    lines = choose_lines(retrieval, question, history, documents=documents, choosing=choosing)
    return QuotePrompt(messages=quote_messages(lines, question, history), grammar=grammar_of(lines), lines=lines)


def quote_messages(lines: Sequence[str], question: str, history: Sequence[Mapping[str, Any]] = ()) -> list[Json]:
    """The messages any chat model understands. Everything before the last one stays the same from turn to turn."""
    listed = "\n".join(f"- {line}" for line in lines)
    asked = " ".join(question.split())
    return [
        {"role": "system", "content": read_prompt("quote")},
        *({"role": turn["role"], "content": turn["content"]} for turn in history),
        {"role": "user", "content": f"Caller: {asked}\n\nLines:\n{listed}\n\nCaller: {asked}"},
    ]


def choose_lines(
    retrieval: Mapping[str, Any],
    question: str,
    history: Sequence[Mapping[str, Any]] = (),
    *,
    documents: bool = True,
    choosing: bool = False,
) -> tuple[str, ...]:
    """What may be said now, best first, never nothing."""
    if not any(character.isalnum() for character in question):
        return (_stock("not_understood"),)
    if documents and asks_for_source(question) and (said := last_answer(history)):
        return (where_it_says(said, retrieval),)
    if asks_to_hear_again(question) and (said := _said_last(history)):
        return (said,)
    sentences = _best(retrieval, "sentence") if documents and retrieval.get("answerable") else []
    talk = _best_talk(retrieval, question, documents=documents)
    if talk and _is_talk(talk, sentences):
        return (_talk_line(talk, history),)
    if _asks_nothing(retrieval.get("query", question)):
        return (_stock("not_understood"),)
    if not sentences:
        return (_stock("not_in_documents" if documents else "documents_off"),)
    near = _near([(spoken(candidate["text"]), candidate["score"]) for candidate in sentences[:MAX_LINES]])
    if not retrieval.get("certain", True):
        return (f"{_stock('not_exactly')} {_joined(near)}",)
    return near if choosing else (_joined(near),)


def _asks_nothing(query: str) -> bool:
    """A lone "what" or "the": the beginning of a question, of which no more was heard."""
    return len(query.split()) == 1 and not meaningful(query)


def _best_talk(retrieval: Mapping[str, Any], question: str, *, documents: bool) -> Mapping[str, Any] | None:
    """The nearest stock line; that the agent cannot do something is said only when it is asked to."""
    unfit = set[str]() if documents else {"not_in_documents"}
    if not _REQUEST.match(question.strip().lower()):
        unfit.add("cannot_do")
    return next((line for line in _best(retrieval, "stock") if line["name"] not in unfit), None)


def _best(retrieval: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    candidates = [candidate for candidate in retrieval["candidates"] if candidate["kind"] == kind]
    return sorted(candidates, key=lambda candidate: -candidate["score"])


def _is_talk(talk: Mapping[str, Any], sentences: Sequence[Mapping[str, Any]]) -> bool:
    rival = sentences[0]["score"] if sentences else 0.0
    return talk["score"] >= STOCK_SCORE and talk["score"] >= rival + STOCK_LEAD


def _talk_line(talk: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """The stock line, or what was said last when the caller wants to hear that again."""
    return (talk["name"] == "repeat" and _said_last(history)) or talk["text"]


def _said_last(history: Sequence[Mapping[str, Any]]) -> str:
    said = [str(turn["content"]) for turn in history if turn["role"] == "assistant" and turn["content"]]
    return said[-1] if said else ""


def _near(scored: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    best = scored[0][1]
    return tuple(dict.fromkeys(line for line, score in scored if best - score < CLEAR_LEAD))


def _joined(near: Sequence[str]) -> str:
    """The best line, with the next if that is about as good."""
    pair = " ".join(near[:2])
    return pair if len(pair) <= MAX_PAIR_CHARS else near[0]


def _stock(name: str) -> str:
    return read_stock()[name].text


def grammar_of(lines: Sequence[str]) -> str:
    """GBNF whose language is exactly `lines`. Raises `ValueError` when there are none."""
    if not lines:
        raise ValueError("a grammar needs at least one line")
    return "root ::= " + " | ".join(f'"{_escape(line)}"' for line in lines)


def _escape(line: str) -> str:
    return "".join(_escape_character(character) for character in line)


def _escape_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\U{ord(character):08X}"
