"""Requests in: bodies of bounded size, checked against their model before anything else happens.

How long they may take to come is the guard's business.
"""

import re
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError

from ..keys import CONFIG
from .errors import ApiError

Model = TypeVar("Model", bound=BaseModel)

MAX_FIELD_BYTES = 16 * 1024
MAX_PARTS = 64
"""Of a form, whose length may be unknown."""


async def read_json(request: web.Request, kind: type[Model]) -> Model:
    """The body as `kind`. Raises `ApiError` that names the wrong field."""
    limit_bytes = request.app[CONFIG].guard.max_text_bytes
    body = await _collect(request.content.iter_any(), what="the body", limit_bytes=limit_bytes)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _complaint(error) from error


async def read_recording(request: web.Request) -> bytes:
    """The recording that is the whole body."""
    limit_bytes = request.app[CONFIG].guard.max_audio_bytes
    return await _collect(request.content.iter_any(), what="file", limit_bytes=limit_bytes)


async def read_form(request: web.Request, kind: type[Model]) -> tuple[Model, bytes]:
    """The fields of a multipart form as `kind`, and its part `file`."""
    if request.content_type != "multipart/form-data":
        raise ApiError("send the recording as multipart/form-data with a part named file", status=415)
    fields: dict[str, Any] = {}
    upload: bytes | None = None
    limit_bytes = request.app[CONFIG].guard.max_audio_bytes
    try:
        async for name, part in _parts(request):
            if name == "file":
                upload = await _collect(_chunks(part), what=name, limit_bytes=limit_bytes)
            else:
                value = await _collect(_chunks(part), what=name, limit_bytes=MAX_FIELD_BYTES)
                _add(fields, name, value.decode(errors="replace"))
    except (HttpProcessingError, ValueError, LookupError, AssertionError, RuntimeError) as error:
        raise ApiError("the form cannot be read") from error  # aiohttp has no one error for it
    if upload is None:
        raise ApiError("file: a recording is missing", param="file")
    return check(kind, fields), upload


def check(kind: type[Model], fields: Any) -> Model:
    """Fields that came as text, as `kind`."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise _complaint(error) from error


async def _parts(request: web.Request) -> AsyncIterator[tuple[str, BodyPartReader]]:
    """The parts of a form that have a name."""
    number = 0
    async for part in await request.multipart():
        number += 1
        if number > MAX_PARTS:
            raise _too_large(f"the form: at most {MAX_PARTS} parts are taken")
        if isinstance(part, BodyPartReader) and part.name:
            yield part.name, part


async def _chunks(part: BodyPartReader) -> Any:
    while chunk := await part.read_chunk(64 * 1024):
        yield part.decode(chunk)


async def _collect(chunks: Any, *, what: str, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(f"{what}: at most {limit_bytes} bytes are taken")
    return bytes(body)


def _too_large(message: str) -> ApiError:
    return ApiError(message, status=413, code="request_entity_too_large")


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    """`name[]` may come several times."""
    if name.endswith("[]"):
        fields.setdefault(name.removesuffix("[]"), []).append(value)
    else:
        fields[name] = value


def _complaint(error: ValidationError) -> ApiError:
    errors = error.errors(include_url=False, include_input=False)
    first = min(errors, key=lambda each: each["type"].endswith("_type"))  # of a union the kind that was meant
    place = ".".join(str(part) for part in first["loc"] if not _is_kind(part))
    return ApiError(f"{place or 'body'}: {first['msg']}", param=place or None)


def _is_kind(part: int | str) -> bool:
    """Whether this part of a place is no field but the kind that a field of several kinds was read as."""
    return isinstance(part, str) and (part in ("str", "bool", "int") or not re.fullmatch("[a-z_]+", part))
