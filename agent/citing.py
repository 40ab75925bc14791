"""Which passages an answer rests on, and how it is told where they stand."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.passages import plain, spoken
from agent.prompts import read_stock
from knowledge.sentences import split_sentences
from knowledge.words import meaningful

Json = dict[str, Any]
Passages = Sequence[Mapping[str, Any]]

WORDS_SHARED = 0.6
"""Of what a sentence says that much must stand in the passage that it rests on, and every number."""
FEWEST_WORDS = 2
"""A sentence that says less rests on nothing."""
MOST_TOLD = 2
"""Nobody remembers more places than this."""
_PAGE = re.compile(r"(?:^|, )page (\d+)$")


def cited(answer: str, retrieval: Mapping[str, Any]) -> list[Json]:
    """The passages that the answer's words come from, in the order of the answer, each once.

    Lines that are quoted say so themselves; of an answer in the model's own words each sentence is compared with the
    passages. The house's own lines rest on none.
    """
    found = _quoted(answer, retrieval) or _reworded(answer, retrieval["passages"])
    return [retrieval["passages"][index] for index in found]


def _quoted(answer: str, retrieval: Mapping[str, Any]) -> list[int]:
    found: dict[int, int] = {}
    for candidate in retrieval["candidates"]:
        at = answer.find(spoken(candidate["text"]))
        if candidate["kind"] == "sentence" and candidate["passage"] >= 0 and at >= 0:
            found.setdefault(candidate["passage"], at)
    return sorted(found, key=lambda index: found[index])


def _reworded(answer: str, passages: Passages) -> list[int]:
    if not passages or answer in {line.text for line in read_stock().values()}:
        return []
    held = [meaningful(f"{_title(one)}. {one.get('place', '')}. {one['text']}") for one in passages]
    best = (_nearest(meaningful(sentence), held) for sentence in split_sentences(answer))
    return list(dict.fromkeys(index for index in best if index is not None))


def _nearest(words: frozenset[str], held: Sequence[frozenset[str]]) -> int | None:
    """The passage that has most of the words of a sentence, if it has enough."""
    if len(words) < FEWEST_WORDS:
        return None
    numbers = {word for word in words if word[0].isdigit()}
    shared = [len(words & one) / len(words) if numbers <= one else 0.0 for one in held]
    best = max(range(len(held)), key=lambda index: shared[index])
    return best if shared[best] >= WORDS_SHARED else None


def where_it_says(answer: str, retrieval: Mapping[str, Any]) -> str:
    """What a caller hears who asks where the `answer` stands, or that it stands nowhere."""
    places = list(dict.fromkeys(map(_place_in_words, cited(answer, retrieval))))[:MOST_TOLD]
    stock = read_stock()
    return stock["source"].text.replace("{where}", " and in ".join(places)) if places else stock["no_source"].text


def _place_in_words(passage: Mapping[str, Any]) -> str:
    """The document “House rules”, under “Safety”, on page 3."""
    place = " ".join(plain(str(passage.get("place") or "")).split())
    page = _PAGE.search(place)
    heading = _PAGE.sub("", place).replace(" › ", ", ")
    told = [f"the document “{_title(passage)}”"]
    told += [f"under “{heading}”"] if heading else []
    told += [f"on page {page.group(1)}"] if page else []
    return ", ".join(told)


def _title(passage: Mapping[str, Any]) -> str:
    return " ".join(plain(str(passage["title"])).split())
