"""Quote mode's promise, kept with any weights: no word is said that does not stand in the sentence that is cited."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agent.citing import cited
from agent.follow_up import search_query
from agent.ingesting import DEMO
from agent.prompts import read_stock, stock_lines
from agent.quote import QuotePrompt, choose_lines, quote_prompt
from agent.settings import ROOT
from bench.questions import read_sets
from knowledge.embeddings import Embedder
from knowledge.index import Index
from knowledge.ingest import ingest
from knowledge.retrieval import StockLine
from knowledge.retriever import Retriever
from knowledge.sentences import split_sentences
from plugins.client import EngineClient
from plugins.llama.model import Generation, LlamaModel, collect
from plugins.outside.model import OutsideModel, Server
from plugins.server.app import listening
from tests.plugins.llama.conftest import write_gguf
from tests.plugins.outside.conftest import DONE, Outside, event, refuses, says, served
from tests.plugins.server.conftest import Bench, build, settled, slot

Json = dict[str, Any]
Asked = tuple[str, str]
"""A collection and a question."""

OTHERS = read_sets()[:1]
STOCK = {line.text for line in read_stock().values()}
WHERE = "where does it say that"
WARNING = read_stock()["not_exactly"].text
SMALL_TALK = ("hello", "thank you", "book me a room please", "who are you", "?", "what is the capital of peru")


def questions() -> list[Asked]:
    """A few of each organisation, answered and not, and small talk."""
    development = json.loads((ROOT / "training/questions/development/demo.json").read_text())
    demo = [row["question"] for row in development[::4]]
    others = [(one.name, question.asked) for one in OTHERS for question in one.questions[::3]]
    silent = [(one.name, question) for one in OTHERS for question in one.silent[:2]]
    return [*(("default", said) for said in [*demo, *SMALL_TALK]), *others, *silent]


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    """The demo and another organisation, each in a collection of its own."""
    embedder = Embedder(threads=1)
    index = Index(tmp_path_factory.mktemp("index"), embedder.name, embedder.dim)
    ingest([DEMO], index, embedder.embed_passages)
    for one in OTHERS:
        ingest([one.documents], index, embedder.embed_passages, collection=one.name)
    return Retriever(index, embedder, [StockLine(line.name, line.text, line.examples) for line in stock_lines()])


@pytest.fixture(scope="module")
def found(retriever: Retriever) -> dict[Asked, Json]:
    """What there is for every question."""
    return {asked: asdict(retriever.search(asked[1], collection=asked[0])) for asked in questions()}


@pytest.fixture(params=[1, 2, 3])
def odd_model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LlamaModel]:
    """Random weights, which make no sense."""
    path = write_gguf(tmp_path / "odd.gguf", seed=request.param, context_tokens=4096)
    model = LlamaModel(path, threads=1, context_tokens=8192, slots=4)
    yield model
    model.close()


async def written(model: LlamaModel, prompt: QuotePrompt, *, grammar: str | None = None) -> str:
    """What the model says at the highest temperature there is."""
    wanted = Generation(messages=prompt.messages, grammar=grammar, max_tokens=300, temperature=2.0, seed=5)
    return (await collect(model.generate(wanted))).text


def unproven(answer: str, found: Json) -> list[str]:
    """The sentences of an answer that have a word which no one sentence of the cited passages has."""
    said = answer.removeprefix(WARNING).strip()
    if said in STOCK:
        return []
    sources = cited(answer, found)
    assert all(source in found["passages"] for source in sources)
    lines = [line for source in sources for line in source["text"].splitlines()]
    sentences = [words(sentence) for line in lines for sentence in split_sentences(line)]
    return [one for one in split_sentences(said) if not any(words(one) <= sentence for sentence in sentences)]


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize("choosing", [False, True], ids=["the best line", "the model chooses"])
async def test_every_word_of_an_answer_stands_in_the_sentence_it_cites(
    found: dict[Asked, Json], odd_model: LlamaModel, choosing: bool
) -> None:
    quoted = 0
    for (_, question), retrieval in found.items():
        prompt = quote_prompt(retrieval, question, choosing=choosing)
        answer = await written(odd_model, prompt, grammar=prompt.grammar)
        assert answer and not unproven(answer, retrieval), question
        quoted += answer not in STOCK
    assert quoted >= 30


async def test_unbound_such_a_model_talks_nonsense(found: dict[Asked, Json], odd_model: LlamaModel) -> None:
    (_, question), retrieval = next(iter(found.items()))
    assert unproven(await written(odd_model, quote_prompt(retrieval, question)), retrieval)


def test_the_place_that_is_told_is_that_of_the_answer(retriever: Retriever, found: dict[Asked, Json]) -> None:
    for (collection, question), retrieval in found.items():
        (answer,) = choose_lines(retrieval, question)
        history = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        again = asdict(retriever.search(search_query(WHERE, history), collection=collection))
        (told,) = choose_lines(again, WHERE, history)
        titles = [source["title"] for source in cited(answer, retrieval)]
        assert all(f"“{title}”" in told for title in titles[:2]), (question, told)
        assert titles or told == read_stock()["no_source"].text


@pytest.fixture
async def liar() -> AsyncIterator[Outside]:
    """An outside server that cares for no grammar."""
    fake = Outside(manners=[says(event("All rooms are free of charge today."), event(reason="stop"), DONE)])
    async with served(fake):
        yield fake


@pytest.fixture
async def engine(liar: Outside, odd_model: LlamaModel, tmp_path: Path) -> AsyncIterator[EngineClient]:
    """An engine that has both."""
    made = build(Bench(), llama=slot(odd_model))
    made.outside = OutsideModel(Server(url=liar.url))
    url = f"unix:{tmp_path}/engine.sock"
    async with listening(made, url), EngineClient(url) as client:
        await settled(made)
        yield client


async def test_an_outside_model_that_knows_no_grammar_is_not_asked_for_quotes(
    found: dict[Asked, Json], engine: EngineClient, liar: Outside
) -> None:
    for (_, question), retrieval in list(found.items())[::8]:
        prompt = quote_prompt(retrieval, question)
        deltas = engine.chat(prompt.messages, grammar=prompt.grammar, temperature=2.0)
        answer = "".join([delta.get("content", "") async for delta in deltas])
        assert answer and not unproven(answer, retrieval)
    assert not liar.asked


async def test_a_model_that_stands_in_for_one_that_is_away_quotes(
    found: dict[Asked, Json], engine: EngineClient, liar: Outside
) -> None:
    liar.manners = [refuses(500)]
    (_, question), retrieval = next(iter(found.items()))
    prompt = quote_prompt(retrieval, question)
    fallback = {"messages": prompt.messages, "grammar": prompt.grammar}
    deltas = engine.chat([{"role": "user", "content": question}], fallback=fallback, temperature=2.0)
    answer = "".join([delta.get("content", "") async for delta in deltas])
    assert liar.asked and answer and not unproven(answer, retrieval)
