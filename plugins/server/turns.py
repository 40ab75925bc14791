"""What jobs tell the engine about their calls, and what the engine says about the next one."""

import time
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from plugins.correlation import MAX_CHARS, Door, correlation_id
from plugins.server.engine import Engine
from plugins.server.keys import ENGINE
from plugins.server.metrics import HEARD, REPORTED, SPECULATIONS, TURN_STAGE, TURNS, TURNS_LOST
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
    "whole",
]
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]


class TurnReport(BaseModel):
    """One finished turn in numbers. `thrown_away` answers were begun for words that then changed.

    `call` is the call's or the conversation's id; the request's own where it is empty.
    """

    door: Door
    call: str = Field(default="", max_length=MAX_CHARS)
    stages_ms: dict[Stage, Milliseconds]
    interrupted: bool = False
    retried: bool = False
    speculation: Literal["used", "none"] = "none"
    thrown_away: int = Field(default=0, ge=0, le=1000)

    @property
    def is_spoken(self) -> bool:
        """Whether the answer was heard."""
        return self.door in ("voice", "phone")


class LostReport(BaseModel):
    """Turns that could not be kept."""

    turns: int = Field(ge=1, le=100_000)


class ErrorsReport(BaseModel):
    """How often what went wrong in another process."""

    process: Literal["web", "worker"]
    kinds: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")], Annotated[int, Field(ge=1, le=100_000)]]


async def count_turn(request: web.Request) -> web.Response:
    """POST /v1/turns: a turn goes into the histograms, to its call, and what its caller waited into the prediction."""
    engine = request.app[ENGINE]
    turn = await read_body(request, TurnReport)
    _count(turn)
    _show(engine, turn)
    answered_ms = turn.stages_ms.get("answered")
    if turn.is_spoken and answered_ms is not None and not turn.retried:
        HEARD.labels(door=turn.door).observe(answered_ms / 1000)
        engine.capacity.answered(answered_ms, calls=max(1, engine.calls))
    return web.json_response({"counted": True})


def _count(turn: TurnReport) -> None:
    outcome = "interrupted" if turn.interrupted else "retried" if turn.retried else "answered"
    TURNS.labels(door=turn.door, outcome=outcome).inc()
    for stage, milliseconds in turn.stages_ms.items():
        TURN_STAGE.labels(stage=stage, door=turn.door).observe(milliseconds / 1000)
    SPECULATIONS.labels(outcome=turn.speculation).inc()
    SPECULATIONS.labels(outcome="thrown_away").inc(turn.thrown_away)


def _show(engine: Engine, turn: TurnReport) -> None:
    """What the owner sees of it."""
    now_s = time.time()
    engine.recent.turn(turn.stages_ms, now_s=now_s)
    engine.live.turn(turn.call or correlation_id.get(), turn.model_dump(exclude={"call"}), now_s=now_s)


async def count_lost(request: web.Request) -> web.Response:
    """POST /v1/turns/lost: turns that the conversations' database did not take."""
    TURNS_LOST.inc((await read_body(request, LostReport)).turns)
    return web.json_response({"counted": True})


async def count_errors(request: web.Request) -> web.Response:
    """POST /v1/errors: what the door and the jobs could not do goes beside what the engine could not."""
    report = await read_body(request, ErrorsReport)
    for kind, times in report.kinds.items():
        REPORTED.labels(process=report.process, kind=kind).inc(times)
        request.app[ENGINE].recent.error(kind, now_s=time.time(), times=times)
    return web.json_response({"counted": True})


async def show_capacity(request: web.Request) -> web.Response:
    """GET /v1/capacity: the calls there are and how many fit.

    `predicted_ms` is the heard latency with as many as the query's `calls` says, or else with one more.
    """
    engine = request.app[ENGINE]
    capacity = engine.capacity
    asked = request.query.get("calls", "")
    predicted_ms = capacity.predicted_ms(int(asked) if asked.isdecimal() else engine.calls + 1)
    return web.json_response(
        {
            "calls": engine.calls,
            "fits": capacity.fits(engine.calls),
            "lines": capacity.lines,
            "target_ms": capacity.target_ms,
            "predicted_ms": None if predicted_ms is None else round(predicted_ms, 1),
        }
    )
