"""How well the starter answers, measured as it is used: real documents, real retrieval, quote mode in llama.cpp.

`python -m training.llm.evaluate` prints the figures; `--development` those of the questions that thresholds are tuned
on; `--show` each wrong answer. The held-out questions in `training/questions` are never trained or tuned on.
"""

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.follow_up import search_query
from agent.prompts import read_stock, stock_lines
from agent.quote import QuotePrompt, quote_prompt
from agent.settings import EMBEDDERS
from knowledge.embeddings import Embedder
from knowledge.index import Index
from knowledge.ingest import ingest
from knowledge.retrieval import Retrieval, StockLine
from knowledge.retriever import Retriever
from knowledge.sentences import split_sentences
from plugins.llama.generation import Generation
from plugins.llama.model import LlamaModel

MODEL = Path("models/starter/llama.gguf")
DEMO = Path("knowledge/demo")
QUESTIONS = Path("training/questions")

Json = dict[str, Any]
Choose = Callable[[QuotePrompt], str]
"""From a prepared prompt to the answer: the language model, or a rule to compare it with."""


@dataclass(frozen=True)
class Sets:
    """Where the questions and the documents beside the demo lie."""

    demo: Path
    others: Path
    other_documents: Path
    silent: Path
    talk: Path


HELD_OUT = Sets(
    demo=QUESTIONS / "demo_heldout.json",
    others=QUESTIONS / "new_heldout.json",
    other_documents=QUESTIONS / "new_documents",
    silent=QUESTIONS / "silent.json",
    talk=QUESTIONS / "talk.json",
)
DEVELOPMENT = Sets(
    demo=QUESTIONS / "development" / "demo.json",
    others=QUESTIONS / "development" / "other.json",
    other_documents=QUESTIONS / "development" / "documents",
    silent=QUESTIONS / "development" / "silent.json",
    talk=QUESTIONS / "development" / "talk.json",
)


@dataclass(frozen=True)
class Asked:
    """One question, what was answered, and whether that is right."""

    question: str
    answer: str
    is_right: bool
    lines: int


@dataclass(frozen=True)
class Results:
    """All questions of a measurement, by set."""

    answered: list[Asked]
    answered_new_documents: list[Asked]
    abstained: list[Asked]
    talk: list[Asked]
    invented: list[str]
    """Answers that are word for word in no document and no stock line."""

    def figures(self) -> dict[str, float]:
        """Fractions, and the number of invented answers.

        Of `answered` and `abstained`, `_with_warning` is the part that was right but said with "my documents do not
        say exactly that".
        """
        sets = ("answered", "answered_new_documents", "abstained", "talk")
        warned = {f"{name}_with_warning": share_warned(getattr(self, name)) for name in sets[:3]}
        rights = {name: share_right(getattr(self, name)) for name in sets}
        return rights | warned | {"invented": float(len(self.invented))}


class House:
    """One business: its documents in an index, and whoever answers for it."""

    def __init__(self, retriever: Retriever, documents: str, choose: Choose, *, choosing: bool = False) -> None:
        self.retriever = retriever
        self._allowed = [squeezed(documents), *(squeezed(line.text) for line in read_stock().values())]
        self._choose = choose
        self._choosing = choosing
        self.invented: list[str] = []

    def answer(self, question: str, history: Sequence[Json] = ()) -> tuple[str, int]:
        """What the caller hears, and between how many lines the choice was."""
        retrieval: Retrieval = self.retriever.search(search_query(question, history))
        prompt = quote_prompt(asdict(retrieval), question, history, choosing=self._choosing)
        answer = self._choose(prompt)
        sentences = map(squeezed, split_sentences(answer))
        if not all(any(sentence in allowed for allowed in self._allowed) for sentence in sentences):
            self.invented.append(answer)
        return answer, len(prompt.lines)

    def talk(self, said: Sequence[str], question: str) -> tuple[str, int]:
        """The answer to `question` after the turns `said` before it."""
        history: list[Json] = []
        for earlier in said:
            answer, _ = self.answer(earlier, history)
            history += [{"role": "user", "content": earlier}, {"role": "assistant", "content": answer}]
        return self.answer(question, history)


def measure(model: Path = MODEL, *, sets: Sets = HELD_OUT) -> dict[str, float]:
    """The figures of the model card's "llm" section."""
    with running(model) as choose:
        return examine(choose, sets=sets).figures()


def examine(choose: Choose, *, sets: Sets, choosing: bool = False) -> Results:
    """Ask everything; `choosing` leaves it to `choose` which of several good lines is said."""
    embedder = Embedder(threads=1, copies=EMBEDDERS)
    with (
        house(DEMO, embedder, choose, choosing=choosing) as hotel,
        house(sets.other_documents, embedder, choose, choosing=choosing) as others,
    ):
        return Results(
            answered=[_ask(hotel, row) for row in read(sets.demo)],
            answered_new_documents=[_ask(others, row) for row in read(sets.others)],
            abstained=[_ask_in_vain(hotel, row) for row in read(sets.silent)],
            talk=[_talk(hotel, row) for row in read(sets.talk)],
            invented=hotel.invented + others.invented,
        )


@contextmanager
def house(documents: Path, embedder: Embedder, choose: Choose, *, choosing: bool = False) -> Iterator[House]:
    """A business whose documents are the Markdown files of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        index = Index(folder, embedder.name, embedder.dim)
        ingest([documents], index, lambda texts: embedder.embed_passages(texts))
        stock = [StockLine(name=line.name, text=line.text, examples=line.examples) for line in stock_lines()]
        text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(documents.glob("*.md")))
        yield House(Retriever(index, embedder, stock=stock), text, choose, choosing=choosing)


@contextmanager
def running(model: Path) -> Iterator[Choose]:
    """The language model as a function of a prompt."""
    llama = LlamaModel(model, threads=1, context_tokens=4096, slots=1)
    try:
        yield lambda prompt: asyncio.run(_generated(llama, prompt))
    finally:
        llama.close()


async def _generated(llama: LlamaModel, prompt: QuotePrompt) -> str:
    stream = llama.generate(Generation(messages=prompt.messages, grammar=prompt.grammar, max_tokens=200))
    return "".join([delta.text async for delta in stream])


def first_line(prompt: QuotePrompt) -> str:
    """The best line by retrieval alone: what the language model is compared with."""
    return prompt.lines[0]


def squeezed(text: str) -> str:
    """Lower case, with single spaces for all that is no letter or digit, and without a full stop at the end."""
    return " ".join(re.findall(r"\w+", text.lower()))


def read(path: Path) -> list[Json]:
    return json.loads(path.read_text(encoding="utf-8"))


def share_right(asked: Sequence[Asked]) -> float:
    return round(sum(each.is_right for each in asked) / len(asked), 4)


def share_warned(asked: Sequence[Asked]) -> float:
    """How many of the right answers begin by saying that the documents do not say exactly that."""
    return round(sum(each.is_right and is_warning(each.answer) for each in asked) / len(asked), 4)


def is_warning(answer: str) -> bool:
    return answer.startswith(read_stock()["not_exactly"].text)


def says(answer: str, key: str) -> bool:
    """Whether one of the alternatives of `key` ("a|b") stands in the answer."""
    return any(alternative in answer.lower() for alternative in key.split("|"))


def _ask(house: House, row: Mapping[str, Any]) -> Asked:
    answer, lines = house.answer(row["question"])
    return Asked(row["question"], answer, says(answer, row["key"]), lines)


def _ask_in_vain(house: House, row: Mapping[str, Any]) -> Asked:
    answer, lines = house.answer(row["question"])
    stock = {line.text for line in read_stock().values()}
    return Asked(row["question"], answer, answer in stock or is_warning(answer), lines)


def _talk(house: House, row: Mapping[str, Any]) -> Asked:
    answer, lines = house.talk(row["history"], row["question"])
    if "key" in row:
        return Asked(row["question"], answer, says(answer, row["key"]), lines)
    return Asked(row["question"], answer, answer in {read_stock()[name].text for name in row["stock"]}, lines)


def main() -> None:
    """Print figures and, on request, what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--retrieval-only", action="store_true", help="take the best line instead of asking the model")
    parser.add_argument("--choosing", action="store_true", help="let the model choose between lines as good")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    sets = DEVELOPMENT if options.development else HELD_OUT
    if options.retrieval_only:
        results = examine(first_line, sets=sets, choosing=options.choosing)
    else:
        with running(options.model) as choose:
            results = examine(choose, sets=sets, choosing=options.choosing)
    if options.show:
        _show(results)
    print(json.dumps(results.figures(), indent=2))


def _show(results: Results) -> None:
    for name in ("answered", "answered_new_documents", "abstained", "talk"):
        for asked in getattr(results, name):
            if not asked.is_right:
                print(f"{name}: {asked.question} → {asked.answer} (1 of {asked.lines})")


if __name__ == "__main__":
    main()
