"""Whose work this is: the id of a call or of a request, and the door it came through.

Both are set once where work begins, travel in the headers of every request to the engine, and stand in its log lines.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Literal, get_args

Door = Literal["voice", "text", "phone", "http"]

ID_HEADER = "X-Request-Id"
DOOR_HEADER = "X-Landline-Door"
MAX_CHARS = 128
_STRANGE = re.compile(r"[^A-Za-z0-9_.:+-]")

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The call or the request that the current task works for."""

door: ContextVar[Door | None] = ContextVar("door", default=None)
"""How the person came in whom the current task works for."""


def headers() -> dict[str, str]:
    """What goes with a request to the engine."""
    known = {ID_HEADER: _clean(correlation_id.get()), DOOR_HEADER: door.get() or ""}
    return {name: value for name, value in known.items() if value}


def adopt(given: Mapping[str, str]) -> None:
    """Work from now on, in this task, for whoever the headers of a request name."""
    correlation_id.set(_clean(given.get(ID_HEADER, "")))
    name = given.get(DOOR_HEADER, "")
    door.set(next((known for known in get_args(Door) if known == name), None))


def _clean(text: str) -> str:
    """What may stand in a header and in a log line."""
    return _STRANGE.sub("_", text)[:MAX_CHARS]
