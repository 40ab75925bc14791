"""Every route of the HTTP door, in one table: what the router serves and what `/openapi.json` describes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from . import audio_shapes, chat, chat_shapes, embeddings, lists, plain, speech, transcription
from .backend import Agent
from .encoding import CONTENT_TYPES
from .keys import AGENT
from .openapi import document, publish

Method = Literal["get", "post"]
Scope = Literal["chat", "audio", "embeddings", ""]

EVENTS = "text/event-stream"
SOUND = tuple(CONTENT_TYPES.values())


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route: its handler, what it takes and what it gives.

    `body` comes as JSON, `form` as a multipart form beside the part `file`; `raw` says that the file alone may be the
    body. `gives` is the JSON of a reply, `media` what else a reply may be. `scope` is what a key must be allowed.
    """

    method: Method
    path: str
    serve: Callable[[web.Request], Awaitable[web.StreamResponse]]
    scope: Scope
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    raw: bool = False
    gives: type[BaseModel] | None = None
    media: tuple[str, ...] = ()


ROUTES = (
    Route(
        method="post",
        path="/v1/chat/completions",
        serve=chat.complete_chat,
        scope="chat",
        body=chat_shapes.ChatRequest,
        gives=chat_shapes.Completion,
        media=(EVENTS,),
    ),
    Route(method="get", path="/v1/models", serve=lists.list_models, scope="chat", gives=lists.ModelList),
    Route(method="get", path="/v1/models/{model}", serve=lists.show_model, scope="chat", gives=lists.ModelRow),
    Route(
        method="post",
        path="/v1/audio/transcriptions",
        serve=transcription.transcribe,
        scope="audio",
        form=audio_shapes.TranscriptionForm,
        gives=audio_shapes.Transcription,
        media=("text/plain", "text/vtt", "application/x-subrip", EVENTS),
    ),
    Route(
        method="post",
        path="/v1/audio/speech",
        serve=speech.create_speech,
        scope="audio",
        body=audio_shapes.SpeechRequest,
        media=(*SOUND, EVENTS),
    ),
    Route(
        method="post",
        path="/v1/embeddings",
        serve=embeddings.embed,
        scope="embeddings",
        body=embeddings.EmbeddingsRequest,
        gives=embeddings.Embeddings,
    ),
    Route(
        method="post",
        path="/chat",
        serve=plain.chat,
        scope="chat",
        body=plain.ChatLine,
        gives=plain.ChatReply,
        media=(EVENTS,),
    ),
    Route(
        method="post",
        path="/generate",
        serve=plain.generate,
        scope="chat",
        body=plain.GenerateRequest,
        gives=plain.Generated,
        media=(EVENTS,),
    ),
    Route(
        method="post",
        path="/transcribe",
        serve=plain.transcribe,
        scope="audio",
        form=plain.TranscribeForm,
        raw=True,
        gives=plain.Said,
    ),
    Route(
        method="post",
        path="/synthesize",
        serve=plain.synthesize,
        scope="audio",
        body=plain.SynthesizeRequest,
        media=SOUND,
    ),
    Route(method="get", path="/models", serve=lists.list_models, scope="chat", gives=lists.ModelList),
    Route(method="get", path="/voices", serve=lists.list_voices, scope="audio", gives=lists.VoiceList),
)


def add_api(app: web.Application, agent: Agent) -> None:
    """Serve the HTTP door of `agent`, and its description at `/openapi.json`."""
    app[AGENT] = agent
    app.on_cleanup.append(_let_go)
    for route in ROUTES:
        app.router.add_route(route.method, route.path.replace("{model}", "{model:.+}"), route.serve)
    app.router.add_get("/openapi.json", publish(document(ROUTES)))


async def _let_go(app: web.Application) -> None:
    await app[AGENT].aclose()


def is_api(path: str) -> bool:
    """Whether errors at `path` are told in OpenAI's shape."""
    return path.startswith("/v1/") or path in {route.path for route in ROUTES}
