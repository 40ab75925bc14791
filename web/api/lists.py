"""What is here: models and voices."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from .errors import ApiError
from .keys import AGENT

Json = dict[str, Any]


class ModelRow(BaseModel):
    """One model: what it is for and whether it is loaded."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    kind: str | None = None
    state: str | None = None
    tier: str | None = None


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[ModelRow]


class VoiceRow(BaseModel):
    id: str


class VoiceList(BaseModel):
    voices: list[VoiceRow]


async def list_models(request: web.Request) -> web.Response:
    """Every model of the machine."""
    return web.json_response({"object": "list", "data": list(await request.app[AGENT].models())})


async def show_model(request: web.Request) -> web.Response:
    """One model by its id."""
    wanted = request.match_info["model"]
    for row in await request.app[AGENT].models():
        if row["id"] == wanted:
            return web.json_response(row)
    raise ApiError(f"there is no model {wanted!r}", status=404, code="model_not_found", param="model")


async def list_voices(request: web.Request) -> web.Response:
    """Every voice of the machine."""
    return web.json_response({"voices": list(await request.app[AGENT].voices())})
