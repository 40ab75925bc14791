"""POST /v1/retrieve and POST /v1/embeddings: the documents, and the vectors that find them."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from plugins.errors import InvalidRequest
from plugins.server.engine import Engine, Question
from plugins.server.keys import ENGINE
from plugins.server.metrics import RETRIEVAL
from plugins.server.replies import read_body
from plugins.server.scheduler import Priority

MAX_TEXTS = 256
READ_WITHIN_S = 1.5
"""How long the language model may read what was found; most of that time the caller still speaks."""
FEWEST_TOKENS = 80
"""Of what was found the model gets to read as much in any case: a few sentences."""


class RetrieveRequest(BaseModel):
    query: str
    k: int = Field(default=5, ge=1, le=50)
    collection: str = "default"
    title: str = Field(default="", max_length=500)
    source: str = Field(default="", max_length=2_000)
    documents: bool = True


class EmbeddingsRequest(BaseModel):
    input: str | list[str]
    model: str = ""
    kind: Literal["query", "passage"] = "passage"


async def retrieve(request: web.Request) -> web.Response:
    """Passages and quotable candidates for one question, and how many of their tokens fit a prompt (null: all)."""
    engine = request.app[ENGINE]
    knowledge = engine.knowledge.use()
    body = await read_body(request, RetrieveRequest)
    question = knowledge.question(**body.model_dump())
    with RETRIEVAL.time():
        found = await _on_reader(request, Question(question), Priority.FIRST_ANSWER)
    return web.json_response(asdict(found) | {"prompt_tokens": prompt_tokens(engine)})


def prompt_tokens(engine: Engine) -> int | None:
    """How many tokens of what was found the language model reads in time; `None` where another machine reads them."""
    llama = engine.llama.loaded()
    if engine.outside or llama is None:
        return None
    return max(FEWEST_TOKENS, round(READ_WITHIN_S * llama.reading_rate))


async def list_documents(request: web.Request) -> web.Response:
    """GET /v1/documents?collection=NAME: what answers rest on."""
    knowledge = request.app[ENGINE].knowledge.use()
    collection = request.query.get("collection", "default")
    rows = await asyncio.to_thread(knowledge.documents, collection)  # many take long: no question waits for it
    return web.json_response({"documents": [asdict(row) for row in rows]})


async def embed(request: web.Request) -> web.Response:
    """Vectors in OpenAI's shape. `kind` chooses the prefix that the model family wants."""
    engine = request.app[ENGINE]
    embedder = engine.embedder.use()
    body = await read_body(request, EmbeddingsRequest)
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not texts or len(texts) > MAX_TEXTS:
        raise InvalidRequest(f"input: 1 to {MAX_TEXTS} texts at a time, not {len(texts)}")
    is_query = body.kind == "query"
    encode = embedder.embed_queries if is_query else embedder.embed_passages
    priority = Priority.FIRST_ANSWER if is_query else Priority.SPECULATIVE
    vectors = await _on_reader(request, lambda: encode(texts), priority)
    rows = [{"object": "embedding", "index": i, "embedding": row.tolist()} for i, row in enumerate(vectors)]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return web.json_response({"object": "list", "data": rows, "model": embedder.name, "usage": usage})


async def _on_reader(request: web.Request, step: Question | Callable[[], Any], priority: Priority) -> Any:
    now = asyncio.get_running_loop().time()
    return await request.app[ENGINE].reading.submit(step, priority=priority, deadline_s=now)
