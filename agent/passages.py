"""Documents' words as models and callers get them: nothing that a document writes can pose as anything else.

In a prompt passages are numbered and quoted line by line; aloud a sentence is one that can be heard.

A line that a document wrote begins with a mark that nothing else in the prompt has; so a passage cannot end its own
block, add a further one, or speak in another's name. What only chat templates and tool calls write is taken out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

QUOTE = "> "
CHARS_PER_TOKEN = 4
MAX_SPOKEN_CHARS = 240
"""A longer sentence is cut at a clause end, where what remains is still a sentence."""
_ROLES = "system|developer|user|assistant|model|tool|function"
_SIGNS = "s|bos|eos|unk|pad|think|im_start|im_end|start_of_turn|end_of_turn"
_CALLS = "tools|tool_calls?|tool_response|function_calls?|invoke|parameter"
_MARKS = re.compile(
    r"<[|｜][^<>\n]{0,60}[|｜]>"  # <|im_start|>, <|eot_id|>, <｜User｜>
    rf"|</?(?:{_ROLES}|{_SIGNS}|{_CALLS})\b[^<>\n]{{0,60}}>"  # </s>, <tool_call>, <start_of_turn>
    r"|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\]",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"; |, (?=(?:and|but|or|so|because|unless|although|which|where|while|if|when)\b)")
_CAN_END_IN = re.compile(r"\w[\"'”’)]?$")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""Controls, reversals and letters that no reader sees."""


def excerpts(retrieval: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The passages, as much of them as fits a prompt: where that is not all, the sentences nearest to the question."""
    passages, room = retrieval["passages"], retrieval.get("prompt_tokens")
    if room is None or sum(len(one["text"]) for one in passages) <= room * CHARS_PER_TOKEN:
        return list(passages)
    chosen: dict[int, list[str]] = {}
    left = room * CHARS_PER_TOKEN
    for line in retrieval["candidates"]:
        if line["kind"] == "sentence" and (len(line["text"]) <= left or not chosen):
            chosen.setdefault(line["passage"], []).append(line["text"])
            left -= len(line["text"])
    return [{**passages[place], "text": "\n".join(chosen[place])} for place in sorted(chosen)]


def numbered(passages: Sequence[Mapping[str, Any]]) -> str:
    """Every passage under its number, title and place, the lines of its text quoted."""
    return "\n\n".join(_block(number, passage) for number, passage in enumerate(passages, start=1))


def _block(number: int, passage: Mapping[str, Any]) -> str:
    title = " ".join(plain(", ".join(filter(None, [passage["title"], passage.get("place")]))).split())
    lines = plain(passage["text"]).splitlines()
    return "\n".join([f"[{number}] {title}", *(QUOTE + line for line in lines)])


def plain(text: str) -> str:
    """A document's words without what only a chat template, a tool call or nobody's eye would read."""
    text = _UNSEEN.sub("", text)
    while (without := _MARKS.sub(" ", text)) != text:
        text = without
    return text


def spoken(sentence: str, *, max_chars: int = MAX_SPOKEN_CHARS) -> str:
    """A sentence short enough to be heard: itself, or its first clauses with a full stop where they can stand alone."""
    text = " ".join(plain(sentence).split())
    if len(text) <= max_chars:
        return text
    ends = [end.start() for end in _CLAUSE_END.finditer(text) if 40 <= end.start() < max_chars]
    if not ends or not _CAN_END_IN.search(text[: ends[-1]]):
        return text
    return text[: ends[-1]] + "."
