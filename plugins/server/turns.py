"""What jobs tell the engine about their calls, and what the engine says about the next one."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from plugins.server.keys import ENGINE
from plugins.server.metrics import SPECULATIONS, TURN_STAGE, TURNS_LOST
from plugins.server.replies import read_body

Stage = Literal[
    "end_of_turn",
    "transcript",
    "decode",
    "retrieval",
    "prefill",
    "first_token",
    "first_clause",
    "first_audio",
    "sent",
    "ahead",
    "answered",
]
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]


class TurnReport(BaseModel):
    """One finished turn in numbers. `thrown_away` answers were begun for words that then changed."""

    door: Literal["voice", "text"]
    stages_ms: dict[Stage, Milliseconds]
    interrupted: bool = False
    retried: bool = False
    speculation: Literal["used", "none"] = "none"
    thrown_away: int = Field(default=0, ge=0, le=1000)


class LostReport(BaseModel):
    """Turns that could not be kept."""

    turns: int = Field(ge=1, le=100_000)


async def count_turn(request: web.Request) -> web.Response:
    """POST /v1/turns: the stages of a turn go into the histograms, and what its caller waited into the prediction."""
    engine = request.app[ENGINE]
    turn = await read_body(request, TurnReport)
    for stage, milliseconds in turn.stages_ms.items():
        TURN_STAGE.labels(stage=stage, door=turn.door).observe(milliseconds / 1000)
    SPECULATIONS.labels(outcome=turn.speculation).inc()
    SPECULATIONS.labels(outcome="thrown_away").inc(turn.thrown_away)
    answered_ms = turn.stages_ms.get("answered")
    if turn.door == "voice" and answered_ms is not None and not turn.retried:
        engine.capacity.answered(answered_ms, calls=max(1, engine.calls))
    return web.json_response({"counted": True})


async def count_lost(request: web.Request) -> web.Response:
    """POST /v1/turns/lost: turns that the conversations' database did not take."""
    TURNS_LOST.inc((await read_body(request, LostReport)).turns)
    return web.json_response({"counted": True})


async def show_capacity(request: web.Request) -> web.Response:
    """GET /v1/capacity: the calls there are and how many fit; `predicted_ms` is the heard latency with one more."""
    engine = request.app[ENGINE]
    capacity = engine.capacity
    predicted_ms = capacity.predicted_ms(engine.calls + 1)
    return web.json_response(
        {
            "calls": engine.calls,
            "fits": capacity.fits(engine.calls),
            "lines": capacity.lines,
            "target_ms": capacity.target_ms,
            "predicted_ms": None if predicted_ms is None else round(predicted_ms, 1),
        }
    )
