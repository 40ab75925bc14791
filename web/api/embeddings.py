"""POST /v1/embeddings: texts to vectors."""

import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from .backend import Vectors
from .bodies import read_json
from .errors import ApiError
from .keys import AGENT

Json = dict[str, Any]
MAX_TEXTS = 2048
"""As many as OpenAI takes. They are embedded a few at a time."""
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class EmbeddingsRequest(BaseModel):
    """OpenAI's request; any `model` is accepted. Ours: `kind`, for models that embed questions differently."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)
    kind: Literal["query", "passage"] = "passage"


class EmbeddingRow(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """One row for each text, in order. The usage is zero: the embedder counts no tokens."""

    object: Literal["list"] = "list"
    data: list[EmbeddingRow]
    model: str
    usage: EmbeddingsUsage


async def embed(request: web.Request) -> web.Response:
    """Vectors of length 1, as numbers or as OpenAI's base64 of 32-bit floats."""
    body = await read_json(request, EmbeddingsRequest)
    texts = [body.input] if isinstance(body.input, str) else body.input
    vectors = await request.app[AGENT].embed(texts, kind=body.kind)
    if body.dimensions not in (None, len(vectors.rows[0])):
        message = f"dimensions: {vectors.model} has {len(vectors.rows[0])}, no other number"
        raise ApiError(message, param="dimensions")
    return web.json_response(_body(vectors, as_base64=body.encoding_format == "base64"))


def _body(vectors: Vectors, *, as_base64: bool) -> Json:
    rows = [
        {"object": "embedding", "index": index, "embedding": _packed(row) if as_base64 else list(row)}
        for index, row in enumerate(vectors.rows)
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return {"object": "list", "data": rows, "model": vectors.model, "usage": usage}


def _packed(row: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()
