"""POST /v1/audio/speech: text in, speech out, clause by clause."""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from plugins.audio import wav_bytes
from plugins.errors import EngineError, InvalidRequest
from plugins.piper.model import Speech
from plugins.server.engine import Engine
from plugins.server.keys import ENGINE
from plugins.server.metrics import TTS, TTS_REAL_TIME, TTS_TEXT, Measured
from plugins.server.playback import Playback
from plugins.server.replies import EventStream, Json, read_body
from plugins.server.scheduler import Priority

MAX_CHARS = 4096


class SpeechRequest(BaseModel):
    """OpenAI's speech request, as far as a Piper voice goes."""

    input: str = Field(min_length=1, max_length=MAX_CHARS)
    model: str = ""
    voice: str | None = None
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    due_in_s: float = Field(default=0.0, ge=0, le=3600)
    """Ours: for so long the listener is still busy with earlier speech, so others may go first."""
    response_format: Literal["pcm", "wav"] = "wav"
    stream_format: Literal["audio", "sse"] = "audio"


async def create_speech(request: web.Request) -> web.StreamResponse:
    """Speak a text. `pcm` and `sse` stream as clauses are made; `wav` waits for the whole."""
    engine = request.app[ENGINE]
    body = await read_body(request, SpeechRequest)
    if body.voice not in (None, engine.voice_name, "alloy", "default"):
        raise InvalidRequest(f"voice: there is no voice {body.voice!r}; this engine has {engine.voice_name!r}")
    rate_hz = engine.piper.use().sample_rate_hz
    TTS_TEXT.observe(len(body.input))
    with TTS.measure() as measured:
        async with aclosing(_watched(_speech(engine, body), measured)) as pieces:
            if body.stream_format == "sse":
                return await _send_events(EventStream(request), pieces, rate_hz)
            if body.response_format == "pcm":
                return await _send_pcm(request, pieces, rate_hz)
            pcm = b"".join([piece.audio.tobytes() async for piece in pieces])
            return web.Response(body=wav_bytes(pcm, sample_rate_hz=rate_hz), content_type="audio/wav")


async def _watched(pieces: AsyncGenerator[Speech], measured: Measured) -> AsyncGenerator[Speech]:
    """The pieces, with a failure counted that the reply itself will state."""
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                yield piece
        except EngineError as error:
            measured.failed(error)
            raise


async def _speech(engine: Engine, body: SpeechRequest) -> AsyncGenerator[Speech]:
    """Each piece is its own request to the voice, so that calls take turns: earliest playback deadline first."""
    voice, now = engine.piper.use(), asyncio.get_running_loop().time
    playback = Playback(now_s=now(), due_in_s=body.due_in_s)
    for clause in voice.clauses(body.input):
        async for piece in _clause(engine, clause, body.speed, deadline_s=lambda: playback.deadline_s(now_s=now())):
            yield piece
            playback.add(piece.audio.size / voice.sample_rate_hz, now_s=now())


async def _clause(
    engine: Engine, clause: str, speed: float, *, deadline_s: Callable[[], float]
) -> AsyncGenerator[Speech]:
    """The pieces of a clause, from before or made now; what breaks off is not remembered."""
    if known := engine.repertoire.recall(clause, speed=speed):
        for piece in known:
            yield piece
        return
    made: list[Speech] = []
    voice = engine.piper.use()
    step = partial(_timed, voice.speak(clause, speed=speed), rate_hz=voice.sample_rate_hz)
    # one class for all speech: the deadlines alone decide
    while piece := await engine.speaking.submit(step, priority=Priority.AUDIBLE, deadline_s=deadline_s()):
        made.append(piece)
        yield piece
    engine.repertoire.learn(clause, tuple(made), speed=speed)


def _timed(speech: Iterator[Speech], *, rate_hz: int) -> Speech | None:
    """The next piece, made on the voice's thread; `None` after the last."""
    begin_s = time.perf_counter()
    piece = next(speech, None)
    if piece and piece.audio.size:
        TTS_REAL_TIME.observe((time.perf_counter() - begin_s) * rate_hz / piece.audio.size)
    return piece


async def _send_events(events: EventStream, pieces: AsyncGenerator[Speech], rate_hz: int) -> web.StreamResponse:
    try:
        async for piece in pieces:
            await events.send(_event(piece, rate_hz))
    except EngineError as error:
        return await events.fail(error)
    await events.send({"type": "speech.audio.done"})
    return await events.finish()


def _event(piece: Speech, rate_hz: int) -> Json:
    return {
        "type": "speech.audio.delta",
        "audio": base64.b64encode(piece.audio.tobytes()).decode(),
        "sample_rate": rate_hz,
        "words": [asdict(word) for word in piece.words],
    }


async def _send_pcm(request: web.Request, pieces: AsyncGenerator[Speech], rate_hz: int) -> web.StreamResponse:
    headers = {"Content-Type": "audio/pcm", "X-Sample-Rate": str(rate_hz)}
    response = web.StreamResponse(headers=headers)
    async for piece in pieces:
        if not response.prepared:
            await response.prepare(request)
        await response.write(piece.audio.tobytes())
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()
    return response


async def list_voices(request: web.Request) -> web.Response:
    """GET /v1/audio/voices."""
    engine = request.app[ENGINE]
    return web.json_response({"voices": [{"id": engine.voice_name, **asdict(engine.piper.health)}]})
