"""GET /v1/audio/stream: one call's speech in, transcripts out, while the caller is still speaking.

The caller sends `start`, audio, perhaps `preflight` (and `resume` if the speech went on), then `end` or `cancel`.
Between them the growing utterance is decoded again and again at the lowest priority; words that two decodes in a
row agree on are the interim transcript. Newer work replaces older: an interim that waits is decoded with all audio
that has come meanwhile, and dropped when the final is wanted.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial

import numpy as np
from aiohttp import WSMsgType, web

from plugins.audio import Float, float_from_pcm
from plugins.correlation import correlation_id, door
from plugins.errors import EngineError, InvalidRequest
from plugins.server.engine import Engine
from plugins.server.keys import ENGINE
from plugins.server.metrics import ACTIVE_STREAMS, CALLS, STT, STT_AUDIO
from plugins.server.replies import Json
from plugins.server.scheduler import Priority
from plugins.whisper.interim import Agreement
from plugins.whisper.mel import Known
from plugins.whisper.model import Transcript, Utterance

logger = logging.getLogger(__name__)

RATE_HZ = 16_000
INTERIM_EVERY_S = 0.3
MAX_UTTERANCE_S = 120.0

Send = Callable[[Json], Awaitable[None]]


class OpenUtterance:
    """One stretch of speech: its audio, the decode in flight, and what was already said about it."""

    def __init__(self, engine: Engine, *, number: int, language: str | None, send: Send) -> None:
        self._engine = engine
        self._number = number
        self._language = language
        self._send = send
        self._pieces: list[Float] = []
        self._samples = 0
        self._decoded_samples = 0
        self._known = Known()
        self._agreement = Agreement()
        self._interim = ""
        self._interim_task: asyncio.Task[None] | None = None
        self._final_task: asyncio.Task[Transcript] | None = None
        self._decode_s = 0.0

    def add(self, pcm: bytes) -> None:
        """Append audio (16 kHz, 16-bit, mono) and decode again if enough is new."""
        audio = float_from_pcm(pcm)
        if self._samples + audio.size > MAX_UTTERANCE_S * RATE_HZ:
            raise InvalidRequest(f"an utterance may last {MAX_UTTERANCE_S:.0f} s; end it and start another")
        self._pieces.append(audio)
        self._samples += audio.size
        is_due = self._samples - self._decoded_samples >= INTERIM_EVERY_S * RATE_HZ
        if is_due and self._final_task is None and (self._interim_task is None or self._interim_task.done()):
            self._decoded_samples = self._samples
            self._interim_task = asyncio.create_task(self._decode_interim())

    async def announce(self, kind: str) -> None:
        """Decode everything so far and say it as `preflight` or `final`; a final reuses the preflight's decode."""
        if self._interim_task:
            self._interim_task.cancel()
        seconds = self._samples / RATE_HZ
        task = self._final_task = self._final_task or asyncio.create_task(self._decode_final())
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:  # the caller has gone
            task.cancel()
            raise
        if not task.cancelled():
            await self._send(self._event(kind, task.result(), audio_s=seconds))

    def resume(self) -> None:
        """The speech went on: what was decoded is not the end of it."""
        if self._final_task:
            self._final_task.cancel()
            self._final_task = None

    def cancel(self) -> None:
        """Stop every decode; nothing more is said of this utterance."""
        for task in (self._interim_task, self._final_task):
            if task:
                task.cancel()

    async def _decode(self, utterance: Callable[[], Utterance], priority: Priority) -> Transcript:
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        transcript = await self._engine.hearing.submit(utterance, priority=priority, deadline_s=begin_s)
        self._decode_s = clock() - begin_s
        return transcript

    def _audio(self) -> Float:
        """Everything so far. From any thread."""
        pieces = list(self._pieces)
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def _newest(self) -> Utterance:
        """What an interim decodes, asked by Whisper's thread when its turn has come."""
        audio = self._audio()
        self._decoded_samples = audio.size
        return Utterance(audio, self._language, is_interim=True, known=self._known)

    async def _decode_final(self) -> Transcript:
        utterance = Utterance(self._audio(), self._language, want_words=True, known=self._known)
        with STT.measure():
            transcript = await self._decode(lambda: utterance, Priority.FINAL)
        STT_AUDIO.observe(utterance.audio.size / RATE_HZ)
        return transcript

    async def _decode_interim(self) -> None:
        try:
            transcript = await self._decode(self._newest, Priority.SPECULATIVE)
        except EngineError as error:
            logger.warning("no interim transcript: %s", error.code)
            return
        text = self._agreement.update(transcript.text) if transcript.is_speech else ""
        if text and text != self._interim and self._final_task is None:
            self._interim = text
            seconds = self._decoded_samples / RATE_HZ
            await self._send(self._event("interim", transcript, text=text, audio_s=seconds))

    def _event(self, kind: str, transcript: Transcript, *, audio_s: float, text: str | None = None) -> Json:
        return {
            "type": kind,
            "utterance": self._number,
            "text": transcript.text if text is None else text,
            "words": [asdict(word) for word in transcript.words],
            "language": transcript.language,
            "confidence": transcript.confidence,
            "is_speech": transcript.is_speech,
            "audio_s": audio_s,
            "decode_ms": round(1000 * self._decode_s, 1),
        }


class Hearing:
    """One socket's utterances, one open at a time; those that have ended finish on their own."""

    def __init__(self, engine: Engine, *, language: str | None, send: Send) -> None:
        self._engine = engine
        self._language = language
        self._send = send
        self._number = 0
        self._open: OpenUtterance | None = None

    def add(self, pcm: bytes) -> None:
        """Audio for the open utterance; without one it is dropped."""
        if self._open:
            self._open.add(pcm)

    def obey(self, command: str) -> Awaitable[None] | None:
        """Carry out one command; what is returned is still to be awaited."""
        utterance = self._open
        match command:
            case "start":
                self.cancel()
                self._engine.whisper.use().check_language(self._language)  # alone: in a batch it would fail the others
                self._number += 1
                self._open = OpenUtterance(self._engine, number=self._number, language=self._language, send=self._send)
            case "preflight":
                return utterance.announce("preflight") if utterance else None
            case "resume":
                if utterance:
                    utterance.resume()
            case "end":
                self._open = None
                return utterance.announce("final") if utterance else None
            case "cancel":
                self.cancel()
            case unknown:
                raise InvalidRequest(f"{unknown!r} is no command; start, preflight, resume, end and cancel are")
        return None

    def cancel(self) -> None:
        """Drop the open utterance."""
        if self._open:
            self._open.cancel()
            self._open = None


async def stream_transcripts(request: web.Request) -> web.WebSocketResponse:
    """Serve one socket until the caller closes it."""
    engine = request.app[ENGINE]
    engine.whisper.use()
    socket = web.WebSocketResponse(max_msg_size=4 * 1024 * 1024, heartbeat=20)
    await socket.prepare(request)
    hearing = Hearing(engine, language=request.query.get("language"), send=partial(_say, socket))
    try:
        with ACTIVE_STREAMS.track_inprogress(), _line(engine):
            await _serve(engine, socket, hearing)
    finally:
        hearing.cancel()
    return socket


@contextmanager
def _line(engine: Engine) -> Generator[None]:
    """A call is there for as long as it listens."""
    call_id, through = correlation_id.get(), door.get() or "voice"
    engine.calls += 1
    engine.live.begin(call_id, through, now_s=time.time())
    try:
        with CALLS.labels(door=through).track_inprogress():
            yield
    finally:
        engine.live.end(call_id)
        engine.calls -= 1


async def _serve(engine: Engine, socket: web.WebSocketResponse, hearing: Hearing) -> None:
    """Obey messages in order. Transcripts are awaited in tasks, so that audio keeps flowing in meanwhile.

    A caller who goes wants none of those that are still being made.
    """
    async with asyncio.TaskGroup() as answers:
        awaited = set[asyncio.Task[None]]()
        async for message in socket:
            try:
                if message.type is WSMsgType.BINARY:
                    hearing.add(message.data)
                elif message.type is WSMsgType.TEXT and (answer := hearing.obey(_command(message.data))):
                    task = answers.create_task(_guarded(engine, socket, answer))
                    awaited.add(task)
                    task.add_done_callback(awaited.discard)
            except EngineError as error:
                hearing.cancel()
                await _send_error(engine, socket, error)
        for task in awaited:
            task.cancel()


def _command(text: str) -> str:
    try:
        return str(json.loads(text)["type"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidRequest('a command is JSON like {"type": "start"}') from error


async def _guarded(engine: Engine, socket: web.WebSocketResponse, answer: Awaitable[None]) -> None:
    try:
        await answer
    except EngineError as error:
        await _send_error(engine, socket, error)


async def _send_error(engine: Engine, socket: web.WebSocketResponse, error: EngineError) -> None:
    engine.failed(error.code)
    await _say(socket, {"type": "error", "code": error.code, "message": str(error)})


async def _say(socket: web.WebSocketResponse, event: Json) -> None:
    """Send something to a caller, who may have gone meanwhile."""
    with suppress(ConnectionResetError):
        await socket.send_json(event)
