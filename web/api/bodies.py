"""Requests in: bodies of bounded size and time, checked against their model before anything else happens."""

import asyncio
from typing import Any, TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError

from .errors import ApiError

Model = TypeVar("Model", bound=BaseModel)

MAX_JSON_BYTES = 1024 * 1024
MAX_UPLOAD_BYTES = 25 * 1024 * 1024
MAX_FIELD_BYTES = 16 * 1024
JSON_WITHIN_S = 10.0
UPLOAD_WITHIN_S = 120.0


async def read_json(request: web.Request, kind: type[Model]) -> Model:
    """The body as `kind`. Raises `ApiError` that names the wrong field."""
    body = await read_bytes(request, limit_bytes=MAX_JSON_BYTES, within_s=JSON_WITHIN_S)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _complaint(error) from error


async def read_bytes(
    request: web.Request, *, limit_bytes: int = MAX_UPLOAD_BYTES, within_s: float = UPLOAD_WITHIN_S
) -> bytes:
    """The whole body."""
    return await _collect(request.content.iter_any(), limit_bytes=limit_bytes, within_s=within_s)


async def read_form(request: web.Request, kind: type[Model]) -> tuple[Model, bytes]:
    """The fields of a multipart form as `kind`, and its part `file`."""
    if request.content_type != "multipart/form-data":
        raise ApiError("send the recording as multipart/form-data with a part named file", status=415)
    fields: dict[str, Any] = {}
    upload: bytes | None = None
    try:
        async with asyncio.timeout(UPLOAD_WITHIN_S):
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or not part.name:
                    continue
                if part.name == "file":
                    upload = await _part(part, MAX_UPLOAD_BYTES)
                else:
                    _add(fields, part.name, (await _part(part, MAX_FIELD_BYTES)).decode(errors="replace"))
    except TimeoutError as error:
        raise ApiError("the upload took too long", status=408, code="request_timeout") from error
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


async def _part(part: BodyPartReader, limit_bytes: int) -> bytes:
    return await _collect(_chunks(part), limit_bytes=limit_bytes, within_s=UPLOAD_WITHIN_S)


async def _chunks(part: BodyPartReader) -> Any:
    while chunk := await part.read_chunk(64 * 1024):
        yield part.decode(chunk)


async def _collect(chunks: Any, *, limit_bytes: int, within_s: float) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in chunks:
                body += chunk
                if len(body) > limit_bytes:
                    raise ApiError(
                        f"at most {limit_bytes} bytes are taken", status=413, code="request_entity_too_large"
                    )
    except TimeoutError as error:
        raise ApiError("the body took too long to come", status=408, code="request_timeout") from error
    return bytes(body)


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    """`name[]` may come several times."""
    if name.endswith("[]"):
        fields.setdefault(name.removesuffix("[]"), []).append(value)
    else:
        fields[name] = value


def _complaint(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return ApiError(f"{place or 'body'}: {first['msg']}", param=place or None)
