"""The retriever: for what a caller says, the passages to answer from and the sentences that could be the answer."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from knowledge.asked import Kind, asked_kind, named_days
from knowledge.choosing import descending, fused, passage_of, within
from knowledge.embeddings import Embeds
from knowledge.index import Index
from knowledge.judging import Case, Evidence, Verdict, first_evidence, foreignness, judge
from knowledge.lines import Line
from knowledge.pool import Asked, InMemory, InTables, Pool, Searched
from knowledge.remembering import RememberingEmbedder
from knowledge.reranking import Reranks
from knowledge.retrieval import Candidate, Passage, Retrieval, StockLine, Wanted, nothing
from knowledge.rows import ChunkRow, StoredDocument
from knowledge.scope import Scope, check_collection
from knowledge.store import Vectors
from knowledge.words import Rarity, Weighed, meaningful


@dataclass(frozen=True)
class Scoring:
    """Every number that decides what is found. Similarities are rescaled: 0 unrelated, 1 the same.

    A sentence's score is its similarity (`ingest.SENTENCE_SHARE` for the sentence alone, the rest under its heading)
    plus the terms below; fitted on the development questions.
    """

    words: float = 0.15
    """Share of the question's words in the sentence, rare ones counting more."""
    words_in_context: float = 0.05
    """The same with title, headings and list introduction."""
    kind: float = 0.15
    """The sentence offers what is asked for: a price, a time, a name."""
    unasked_day: float = -0.10
    """The sentence holds only for a day or season that the question does not name."""
    stock: float = 1.0
    """Similarity to the nearest example of a stock line."""
    chunk: float = 0.3
    """Part of a passage's score that is its own similarity; the rest is its best sentence's score."""
    sentence_pool: int = 32
    chunk_pool: int = 16
    max_sentences: int = 12
    max_stock: int = 6


SCORING = Scoring()
MAX_QUERY_CHARS = 1_000
"""A longer question is cut to its first and last words; embedding models read little more."""
MAX_SENTENCES_IN_MEMORY = 10_000
"""Larger collections are searched in LanceDB (384 dimensions: 15 MB of vectors at this size)."""
_CHARS_PER_TOKEN = 4
_SURE_SOURCES = 3
"""The chunks of this many best sentences are always among the passages."""


class Retriever:
    """Searches one index with one embedder. The index is looked at per question, so new documents count at once.

    Safe to use from several threads. Raises what `Index` and the embedder raise.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embeds,
        stock: Sequence[StockLine] = (),
        *,
        reranker: Reranks | None = None,
        scoring: Scoring = SCORING,
    ) -> None:
        self._index = index
        self._embedder = RememberingEmbedder(embedder)
        self._stock = tuple(line for line in stock if line.examples)
        self._reranker = reranker
        self._scoring = scoring
        self._lock = threading.Lock()
        self._searched: dict[str, tuple[tuple[int, ...], Searched]] = {}

    def warm_up(self, *, collection: str = "default") -> None:
        """Load the embedder, embed the stock lines and read the collection, so that the first question is not slow."""
        self._index.load()
        self.search("hello", collection=collection)

    def documents(self, collection: str) -> list[StoredDocument]:
        """What is in a collection."""
        return self._index.documents(check_collection(collection))

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        collection: str = "default",
        title: str = "",
        source: str = "",
        max_tokens: int = 2000,
        documents: bool = True,
    ) -> Retrieval:
        """`search_all` for one question. Raises `KnowledgeError` for what cannot be a collection."""
        scope = Scope(check_collection(collection), title, source)
        wanted = Wanted(query, k=k, scope=scope, max_tokens=max_tokens, documents=documents)
        return self.search_all([wanted])[0]

    def question(self, query: str, *, k: int, collection: str, title: str, source: str, documents: bool) -> Wanted:
        """A question for `search_all`. Raises `KnowledgeError` for what cannot be a collection."""
        return Wanted(query, k=k, scope=Scope(check_collection(collection), title, source), documents=documents)

    def search_all(self, wanted: Sequence[Wanted]) -> list[Retrieval]:
        """Answer several questions at once: all that must be embedded for them is embedded together."""
        asked = [replace(one, query=clip(one.query)) for one in wanted]
        vector_of = self._embedded_together([one.query for one in asked])
        found = self._found({place: one for place, one in enumerate(asked) if one.query and one.documents}, vector_of)
        verdicts = dict(zip(found, judge([one.case for one in found.values()], self._embedder), strict=True))
        stock = [self._stock_candidates(vector_of(one.query)) if one.query else [] for one in asked]
        return [
            found[place].judged(verdicts[place], stock[place]) if place in found else nothing(one.query, stock[place])
            for place, one in enumerate(asked)
        ]

    def _embedded_together(self, queries: Sequence[str]) -> Callable[[str], Vectors]:
        """The vector of one of these, which are all embedded when the first is asked for."""
        texts = list(dict.fromkeys(filter(None, queries)))

        @lru_cache(maxsize=1)
        def vectors() -> Mapping[str, Vectors]:
            return dict(zip(texts, self._embedder.embed_queries(texts), strict=True))

        return lambda query: vectors()[query]

    def _found(self, asked: Mapping[int, Wanted], vector_of: Callable[[str], Vectors]) -> dict[int, "_Found"]:
        """What the documents have, under the same numbers; those that find nothing are left out."""
        found: dict[int, _Found] = {}
        for collection in {one.scope.collection for one in asked.values()}:
            among = {place: one for place, one in asked.items() if one.scope.collection == collection}
            results = self._found_in(self._search_in(collection), list(among.values()), vector_of)
            found |= {place: one for place, one in zip(among, results, strict=True) if one.sentences}
        return found

    def _found_in(
        self, searched: Searched, wanted: Sequence[Wanted], vector_of: Callable[[str], Vectors]
    ) -> Iterator["_Found"]:
        """What one collection has for each question."""
        asked = [Asked(one.query, one.scope, vector_of) for one in wanted]
        pools = searched.gather(asked, sentences=self._scoring.sentence_pool, chunks=self._scoring.chunk_pool)
        for one, pool in zip(wanted, pools, strict=True):
            lines = self._scored_lines(one.query, pool, searched.rarity)
            passages = self._passages(one, pool, lines)
            words = frozenset[str]().union(*(line.words_in_context for line, _ in lines))
            yield _Found(one.query, passages, self._cited(lines, passages), searched.rarity.knowing(words))

    def evidence(self, query: str, *, collection: str = "default") -> Evidence | None:
        """What `answerable` is decided on, None where nothing was found."""
        wanted = Wanted(clip(query), scope=Scope(check_collection(collection)))
        found = self._found({0: wanted}, self._embedded_together([wanted.query]))
        if not found:
            return None
        case = found[0].case
        quick = first_evidence(case.question, case.score, case.rarity)
        return replace(quick, foreign=foreignness([case], self._embedder)[0])

    # Stock lines

    @cached_property
    def _stock_vectors(self) -> list[Vectors]:
        return [self._embedder.embed_queries(line.examples) for line in self._stock]

    def _stock_candidates(self, vector: Vectors) -> list[Candidate]:
        scored = [
            Candidate(
                text=line.text, kind="stock", name=line.name, passage=-1, score=self._stock_score(examples @ vector)
            )
            for line, examples in zip(self._stock, self._stock_vectors, strict=True)
        ]
        return sorted(scored, key=lambda candidate: -candidate.score)[: self._scoring.max_stock]

    def _stock_score(self, similarities: Vectors) -> float:
        return round(self._scoring.stock * self._rescaled(float(np.max(similarities))), 4)

    # Documents

    def _search_in(self, collection: str) -> Searched:
        """The collection as of the index's newest revision."""
        with self._lock:
            revision = self._index.revision()
            known = self._searched.get(collection)
            if known is None or known[0] != revision:
                known = (revision, self._read(collection, known[1] if known else None))
                self._searched[collection] = known
            return known[1]

    def _read(self, collection: str, before: Searched | None) -> Searched:
        """A collection that was changed; a large one that is about as large as before need not be read again."""
        count = self._index.count_sentences(collection)
        if count <= MAX_SENTENCES_IN_MEMORY:
            return InMemory(self._index, collection)
        if isinstance(before, InTables) and before.is_about(count):
            return before
        return InTables(self._index, collection, count=count)

    def _scored_lines(self, query: str, pool: Pool, rarity: Rarity) -> list[tuple[Line, float]]:
        """Sentences whose chunk is there, each text once, best first."""
        question = _Question(rarity.weigh(meaningful(query)), kind=asked_kind(query), days=named_days(query))
        scored = [
            (line, self._line_score(line, similarity, question))
            for line, similarity in pool.lines
            if line.chunk_id in pool.chunks
        ]
        best: dict[str, tuple[Line, float]] = {}
        for line, score in sorted(scored, key=lambda pair: (-pair[1], pair[0].chunk_id, pair[0].place)):
            best.setdefault(line.text, (line, score))
        return list(best.values())

    def _line_score(self, line: Line, similarity: float, question: "_Question") -> float:
        weights = self._scoring
        score = self._rescaled(similarity)
        score += weights.words * question.words.shared(line.words)
        score += weights.words_in_context * question.words.shared(line.words_in_context)
        if question.kind and line.offers(question.kind):
            score += weights.kind
        if line.days and not line.days & question.days:
            score += weights.unasked_day
        return round(score, 4)

    def _passages(self, wanted: Wanted, pool: Pool, lines: Sequence[tuple[Line, float]]) -> tuple[Passage, ...]:
        """The chunks of the best sentences, then what the fused rankings, or the reranker, put first."""
        best_lines: dict[str, float] = {}
        for line, score in lines:
            best_lines.setdefault(line.chunk_id, score)
        scores = {key: self._chunk_score(near, best_lines.get(key, 0.0)) for key, (_, near) in pool.chunks.items()}
        similar = {key: near for key, (_, near) in pool.chunks.items()}
        ranked = fused([descending(scores), descending(similar), pool.by_words])
        if self._reranker:
            scores = self._reranked(wanted.query, [pool.chunks[key][0] for key in ranked[: self._scoring.chunk_pool]])
            ranked = descending(scores)
        sure = [key for key in list(best_lines)[:_SURE_SOURCES] if key in scores]
        order = dict.fromkeys([*sure, *ranked])
        chosen = within(
            [pool.chunks[key][0] for key in order], count=wanted.k, max_chars=wanted.max_tokens * _CHARS_PER_TOKEN
        )
        passages = [passage_of(chunk, scores[chunk.chunk_id]) for chunk in chosen]
        return tuple(sorted(passages, key=lambda passage: -passage.score))

    def _reranked(self, query: str, chunks: Sequence[ChunkRow]) -> dict[str, float]:
        """By chunk what a model that reads question and passage together thinks of it."""
        assert self._reranker
        scores = self._reranker.scores(query, [f"{chunk.title}\n{chunk.text}" for chunk in chunks])
        return {chunk.chunk_id: round(score, 4) for chunk, score in zip(chunks, scores, strict=True)}

    def _chunk_score(self, similarity: float, best_line: float) -> float:
        own = self._scoring.chunk
        return round(own * self._rescaled(similarity) + (1 - own) * best_line, 4)

    def _cited(self, lines: Sequence[tuple[Line, float]], passages: Sequence[Passage]) -> list[tuple[Line, float]]:
        """The best of the sentences that stand in a passage."""
        chosen = {passage.chunk_id for passage in passages}
        cited = [(line, score) for line, score in lines if line.chunk_id in chosen]
        return cited[: self._scoring.max_sentences]

    def _rescaled(self, similarity: float) -> float:
        """Embedding models differ in what they give to unrelated texts; here that is 0 for all."""
        unrelated = self._embedder.unrelated
        return (similarity - unrelated) / (1 - unrelated)


@dataclass(frozen=True)
class _Found:
    """What the documents have for a question, not yet judged: sentences with their scores, best first."""

    query: str
    passages: tuple[Passage, ...]
    sentences: Sequence[tuple[Line, float]]
    rarity: Rarity

    @property
    def case(self) -> Case:
        best, score = self.sentences[0]
        return Case(self.query, best.text, best.vector, score, self.rarity)

    def judged(self, verdict: Verdict, stock: Sequence[Candidate]) -> Retrieval:
        """The whole retrieval."""
        return Retrieval(
            query=self.query,
            passages=self.passages,
            candidates=tuple(sorted([*self._candidates(), *stock], key=lambda candidate: -candidate.score)),
            answerable=verdict != "none",
            certain=verdict == "certain",
        )

    def _candidates(self) -> Iterator[Candidate]:
        places = {passage.chunk_id: place for place, passage in enumerate(self.passages)}
        for line, score in self.sentences:
            yield Candidate(text=line.text, kind="sentence", name="", passage=places[line.chunk_id], score=score)


@dataclass(frozen=True)
class _Question:
    words: Weighed
    kind: Kind | None
    days: frozenset[str]


def clip(query: str, *, max_chars: int = MAX_QUERY_CHARS) -> str:
    """The query on one line; of a very long one, its beginning and its end, where questions stand."""
    query = " ".join(query.split())
    if len(query) <= max_chars:
        return query
    half = (max_chars - 1) // 2
    return f"{query[:half].rsplit(' ', 1)[0]} {query[-half:].split(' ', 1)[-1]}"
