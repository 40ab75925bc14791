"""The plain routes: one question, one recording or one text, without OpenAI's shapes around it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field, model_validator

from .audio_shapes import Language, SpeechRequest
from .backend import Chat, Piece
from .bodies import check, read_form, read_json, read_recording
from .chat import whole
from .chat_shapes import Collection, Name, Origin, Sampling, SourceRow, Title, source_rows
from .encoding import Format
from .events import reply_in_events
from .keys import AGENT
from .speech import speak
from .transcription import decoded, hear, text_of, words_of

Json = dict[str, Any]
MAX_CHARS = 100_000


class ChatLine(BaseModel):
    """One message to the agent. Without a `conversation` it begins one, whose id the reply gives.

    `collection`, `title` and `source` narrow down the documents that it answers from.
    """

    message: Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
    conversation: Name | None = None
    documents: bool = True
    collection: Collection | None = None
    title: Title = ""
    source: Origin = ""
    stream: bool = False


class ChatReply(BaseModel):
    """What the agent says, and the passages that it rests on."""

    answer: str
    sources: list[SourceRow]
    conversation: str | None


class GenerateRequest(Sampling):
    """The bare model: no documents, no conversation."""

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
    system: str = Field(default="", max_length=MAX_CHARS)
    stream: bool = False


class Generated(BaseModel):
    text: str
    finish_reason: str
    usage: Json


class SynthesizeRequest(BaseModel):
    """A text to be spoken."""

    text: str = Field(min_length=1, max_length=4096)
    voice: str | None = Field(default=None, max_length=128)
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    format: Format = "wav"


class TranscribeForm(BaseModel):
    """`file` in a form, or the recording itself as the body and `language` in the query."""

    language: Language | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, fields: Json) -> Json:
        return {name: value for name, value in fields.items() if value != ""}


class PlainWord(BaseModel):
    text: str
    start_s: float
    end_s: float


class Said(BaseModel):
    """What was said in a recording, and when."""

    text: str
    language: str
    duration_s: float
    words: list[PlainWord]


async def chat(request: web.Request) -> web.StreamResponse:
    """Ask the agent as a caller would."""
    body = await read_json(request, ChatLine)
    asked = Chat(
        messages=[{"role": "user", "content": body.message}],
        documents=body.documents,
        collection=body.collection,
        title=body.title,
        source=body.source,
        conversation=body.conversation or True,
    )
    pieces = request.app[AGENT].answer(asked)
    if body.stream:
        return await reply_in_events(request, _lines(pieces, _reply))
    async with aclosing(pieces):
        return web.json_response(_reply(await whole(pieces)))


async def generate(request: web.Request) -> web.StreamResponse:
    """Let the bare model write."""
    body = await read_json(request, GenerateRequest)
    system = [{"role": "system", "content": body.system}] if body.system else []
    messages = [*system, {"role": "user", "content": body.prompt}]
    pieces = request.app[AGENT].answer(Chat(messages=messages, options=body.options(), documents=False))
    if body.stream:
        return await reply_in_events(request, _lines(pieces, _generated))
    async with aclosing(pieces):
        return web.json_response(_generated(await whole(pieces)))


async def _lines(pieces: AsyncGenerator[Piece], reply: Callable[[Piece], Json]) -> AsyncGenerator[Json]:
    """`{"text": …}` for every piece, then the reply that there is without streaming."""
    text, last = "", Piece()
    async with aclosing(pieces):
        async for piece in pieces:
            text, last = text + piece.text, piece
            if piece.text:
                yield {"text": piece.text}
    yield reply(replace(last, text=text))


def _reply(answer: Piece) -> Json:
    return {"answer": answer.text, "sources": source_rows(answer), "conversation": answer.conversation}


def _generated(answer: Piece) -> Json:
    return {"text": answer.text, "finish_reason": answer.finish_reason or "stop", "usage": answer.usage or {}}


async def synthesize(request: web.Request) -> web.StreamResponse:
    """Speak a text, as a file that grows while it is made."""
    body = await read_json(request, SynthesizeRequest)
    spoken = SpeechRequest(input=body.text, voice=body.voice, speed=body.speed, response_format=body.format)
    return await speak(request, spoken)


async def transcribe(request: web.Request) -> web.Response:
    """Write down a recording."""
    if request.content_type == "multipart/form-data":
        form, data = await read_form(request, TranscribeForm)
    else:
        form, data = check(TranscribeForm, dict(request.query)), await read_recording(request)
    pieces = hear(request, await decoded(request, data), language=form.language)
    async with aclosing(pieces):
        heard = [piece async for piece in pieces]
    words = [{"text": w.text, "start_s": round(w.start_s, 3), "end_s": round(w.end_s, 3)} for w in words_of(heard)]
    language, duration_s = heard[0].transcript.language, round(heard[-1].end_s, 3)
    return web.json_response({"text": text_of(heard), "language": language, "duration_s": duration_s, "words": words})
