"""`/openapi.json`: the HTTP door described for programs, made from the models that check its requests."""

from collections.abc import Awaitable, Callable, Sequence
from inspect import getdoc
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
BINARY: Json = {"type": "string", "format": "binary"}
RECORDING: Json = {**BINARY, "description": "wav, mp3, flac, ogg or webm"}
STATUSES = {
    400: "The request is wrong; `param` names the field.",
    401: "A key is missing or is not known.",
    403: "The key does not allow this.",
    404: "There is no such thing.",
    408: "The body took too long to come.",
    413: "The body is too large, or the recording too long.",
    415: "The body is of the wrong type.",
    429: "Too many requests; Retry-After says how long to wait.",
    503: "A model still loads, or every place is taken; Retry-After says how long to wait.",
}


class ErrorDetail(BaseModel):
    message: str
    type: str | None = None
    param: str | None = None
    code: str


class ErrorReply(BaseModel):
    """OpenAI's shape of an error."""

    error: ErrorDetail


class Described(Protocol):
    """What a route says of itself."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def serve(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]: ...
    @property
    def scope(self) -> str: ...
    @property
    def body(self) -> type[BaseModel] | None: ...
    @property
    def form(self) -> type[BaseModel] | None: ...
    @property
    def raw(self) -> bool: ...
    @property
    def gives(self) -> type[BaseModel] | None: ...
    @property
    def media(self) -> tuple[str, ...]: ...


def document(routes: Sequence[Described]) -> Json:
    """The OpenAPI 3.1 document of these routes."""
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Landline",
            "version": "1",
            "description": "A voice agent on its owner's machine, in OpenAI's shapes and in plain ones.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def publish(description: Json) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that gives the document."""

    async def show_openapi(_: web.Request) -> web.Response:
        return web.json_response(description)

    return show_openapi


def _schemas(routes: Sequence[Described]) -> Json:
    taken = {model for route in routes for model in (route.body, route.form) if model}
    given = {model for route in routes if (model := route.gives)} | {ErrorReply}
    wanted = [
        *((model, "validation") for model in sorted(taken, key=_name)),
        *((model, "serialization") for model in sorted(given, key=_name)),
    ]
    _, definitions = models_json_schema(wanted, ref_template=REFERENCE)  # type: ignore[arg-type]
    return definitions["$defs"]


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _operation(route: Described) -> Json:
    operation: Json = {
        "summary": getdoc(route.serve) or "",
        "operationId": f"{route.method}{route.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "responses": {"200": {"description": "Done.", "content": _given(route)}} | _refusals(),
    }
    if route.scope:
        operation |= {"tags": [route.scope], "security": [{"key": []}, {}]}
    if "{" in route.path:
        name = route.path.partition("{")[2].partition("}")[0]
        operation["parameters"] = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}]
    if content := _taken(route):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _given(route: Described) -> Json:
    content: Json = {media: {"schema": _medium(media)} for media in route.media}
    if route.gives:
        content["application/json"] = {"schema": _reference(route.gives)}
    return content


def _medium(media: str) -> Json:
    return {"type": "string"} if media.startswith("text/") or media == "application/x-subrip" else BINARY


def _taken(route: Described) -> Json:
    content: Json = {}
    if route.body:
        content["application/json"] = {"schema": _reference(route.body)}
    if route.form:
        file = {"type": "object", "properties": {"file": RECORDING}, "required": ["file"]}
        content["multipart/form-data"] = {"schema": {"allOf": [file, _reference(route.form)]}}
    if route.raw:
        content["application/octet-stream"] = {"schema": RECORDING}
    return content


def _refusals() -> Json:
    content = {"application/json": {"schema": _reference(ErrorReply)}}
    return {str(status): {"description": text, "content": content} for status, text in STATUSES.items()}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=model.__name__)}
