"""The documents: is the right passage found, is the answer right and grounded, is silence admitted, and how fast.

Passages are looked for among the documents of all organisations and of the demo, by vectors alone, by words alone and
by both. Answers, word for word from the documents, are asked of each organisation by itself.
"""

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.citing import cited
from agent.prompts import read_stock, stock_lines
from agent.quote import quote_prompt
from agent.settings import EMBEDDERS
from bench.knowledge_speed import CHUNKS, Speed, measure
from bench.questions import Question, QuestionSet, misheard, mistyped, read_sets
from bench.results import percentile
from knowledge.embeddings import Embedder
from knowledge.index import Index
from knowledge.ingest import ingest
from knowledge.retrieval import StockLine
from knowledge.retriever import Retriever
from knowledge.scope import Scope
from training.llm.evaluate import DEMO, Choose, is_warning, running

STARTER = Path("models/starter/llama.gguf")
EVERYTHING = "everything"
K = 5
_NUMBER_OR_NAME = re.compile(r"\d+(?:[.:]\d+)*|\b[A-Z][\w'-]+")

Find = Callable[[str], Sequence[str]]
"""From a question to the texts of the passages found, best first."""


@dataclass(frozen=True)
class Answers:
    """What became of the questions, as shares."""

    correct: float
    grounded: float
    abstained: float


def run(*, chunks: int = CHUNKS) -> dict[str, object]:
    """Measure everything, print the tables and return the figures for `latest.json`."""
    sets, embedder = read_sets(), Embedder(threads=1, copies=EMBEDDERS)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", embedder.name, embedder.dim)
        _fill(index, sets, embedder)
        stock = [StockLine(name=line.name, text=line.text, examples=line.examples) for line in stock_lines()]
        retriever = Retriever(index, embedder, stock)
        recalls = {name: recall(find, sets) for name, find in ways(index, embedder, retriever).items()}
        with running(STARTER) as choose:
            answers = examine(retriever, sets, choose)
        asked = asked_and_mistyped(sets)
        speed = measure(index, like=EVERYTHING, questions=asked, embedder=embedder, chunks=chunks) if chunks else None
    figures = _figures(recalls, answers, speed)
    _show(recalls, figures)
    return figures | {"questions": sum(len(one.questions) for one in sets), "chunks": chunks}


def asked_and_mistyped(sets: Sequence[QuestionSet]) -> list[str]:
    """Every question there is, as it is asked and with slips of the finger, none twice."""
    asked = [text for one in sets for text in (*(question.asked for question in one.questions), *one.silent)]
    return list(dict.fromkeys([*asked, *map(mistyped, asked)]))


def _fill(index: Index, sets: Sequence[QuestionSet], embedder: Embedder) -> None:
    for one in sets:
        ingest([one.documents], index, embedder.embed_passages, collection=one.name)
    ingest([DEMO, *(one.documents for one in sets)], index, embedder.embed_passages, collection=EVERYTHING)


def ways(index: Index, embedder: Embedder, retriever: Retriever) -> dict[str, Find]:
    """The three ways to look for passages, by the name of their figures."""
    scope = Scope(EVERYTHING)

    def by_vector(question: str) -> Sequence[str]:
        vector = embedder.embed_queries([question])[0]
        return [chunk.row.text for chunk in index.nearest_chunks(vector, scope, limit=K)]

    def by_words(question: str) -> Sequence[str]:
        return [chunk.row.text for chunk in index.matching_chunks(question, scope, limit=K, misspelt=True)]

    def by_both(question: str) -> Sequence[str]:
        return [one.text for one in retriever.search(question, k=K, collection=EVERYTHING).passages]

    return {"": by_both, "vector_only": by_vector, "text_only": by_words}


def recall(find: Find, sets: Sequence[QuestionSet]) -> tuple[float, float]:
    """The share of questions whose passage is found as they are asked, and with slips of finger and ear."""
    questions = [question for one in sets for question in one.questions]
    clean = [is_found(find(question.asked), question) for question in questions]
    noisy = [
        is_found(find(noise(question.asked)), question) for noise in (mistyped, misheard) for question in questions
    ]
    return sum(clean) / len(clean), sum(noisy) / len(noisy)


def is_found(texts: Sequence[str], question: Question) -> bool:
    """Whether the sentence that answers stands in one of the passages."""
    return any(question.passage in " ".join(text.split()) for text in texts)


def examine(retriever: Retriever, sets: Sequence[QuestionSet], choose: Choose) -> Answers:
    """Ask everything, each organisation of its own documents."""
    correct, grounded, abstained = list[bool](), list[bool](), list[bool]()
    stock = {line.text for line in read_stock().values()}
    for one in sets:
        for question in one.questions:
            answer, sources = _answered(retriever, one.name, question.asked, choose)
            correct.append(any(key.lower() in answer.lower() for key in question.key))
            grounded.append(answer in stock or is_grounded(_without_warning(answer), sources))
        for asked in one.silent:
            answer, _ = _answered(retriever, one.name, asked, choose)
            abstained.append(answer in stock or is_warning(answer))
    return Answers(*(sum(shares) / len(shares) for shares in (correct, grounded, abstained)))


def _answered(
    retriever: Retriever, collection: str, question: str, choose: Choose
) -> tuple[str, Sequence[Mapping[str, Any]]]:
    found = asdict(retriever.search(question, collection=collection))
    answer = choose(quote_prompt(found, question))
    return answer, cited(answer, found)


def _without_warning(answer: str) -> str:
    return answer.removeprefix(read_stock()["not_exactly"].text)


def is_grounded(answer: str, sources: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every number and every name of the answer stands in a passage that it cites."""
    passages = " ".join(source["text"] for source in sources)
    return all(found in passages for found in _NUMBER_OR_NAME.findall(answer))


def _figures(recalls: Mapping[str, tuple[float, float]], answers: Answers, speed: Speed | None) -> dict[str, object]:
    figures: dict[str, object] = {}
    for name, (clean, noisy) in recalls.items():
        before = f"{name}_" if name else ""
        figures[f"{before}recall_at_5"] = round(clean, 3)
        figures[f"{before}recall_at_5_noisy"] = round(noisy, 3)
    figures |= {name: round(share, 3) for name, share in asdict(answers).items()}
    if speed is None:
        return figures
    return figures | {
        "query_p50_ms": round(percentile(speed.times_ms, 0.5), 1),
        "query_p95_ms": round(percentile(speed.times_ms, 0.95), 1),
        "index_recall_at_5": round(speed.index_recall, 3),
    }


def _show(recalls: Mapping[str, tuple[float, float]], figures: Mapping[str, object]) -> None:
    table = Table("search", "recall@5", "with typos and misheard", title="Is the right passage among the first five?")
    for name, (clean, noisy) in recalls.items():
        table.add_row(name.replace("_", " ") or "both", f"{clean:.3f}", f"{noisy:.3f}")
    rest = Table("measure", "measured", title="Answers word for word from the documents, and the time of a search")
    for name in ("correct", "grounded", "abstained", "query_p50_ms", "query_p95_ms", "index_recall_at_5"):
        rest.add_row(name.replace("_", " "), str(figures.get(name, "not measured")))
    Console().print(table, rest)
