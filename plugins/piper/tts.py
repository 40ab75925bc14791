"""Piper for LiveKit: text deltas in, speech out clause by clause, with a caption for every word."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.agents.types import TimedString
from livekit.agents.utils.aio.channel import ChanClosed, ChanEmpty

from plugins.client import EngineClient, SpeechPiece
from plugins.errors import EngineError
from plugins.livekit_errors import api_error, engine_error
from plugins.piper.captions import CaptionCutter
from plugins.piper.clauses import ClauseCutter, cut

LOOKAHEAD = 2
"""Clauses asked for at once: the one being delivered and the next."""
SILENCE_S = 0.02


class TTS(tts.TTS[Any]):
    """Text to speech by the engine at `engine` (a client, or a URL such as `unix:run/engine.sock`).

    `speed` 1.2 is a fifth faster. The voice tells its own sample rate with its first audio; `sample_rate` (Hz) is
    what is claimed until then.
    """

    def __init__(
        self, engine: EngineClient | str, *, voice: str | None = None, speed: float = 1.0, sample_rate: int = 22_050
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=sample_rate,
            num_channels=1,
        )
        self._owns_engine = isinstance(engine, str)
        self._engine = EngineClient(engine) if isinstance(engine, str) else engine
        self._voice = voice
        self._speed = speed

    @property
    def model(self) -> str:
        return "piper"

    @property
    def provider(self) -> str:
        return "landline"

    def synthesize(self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> "SpokenText":
        """Speak a whole text."""
        return SpokenText(self, text, conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> "SpeechStream":
        """Speak a text as it is written."""
        return SpeechStream(self, conn_options)

    async def aclose(self) -> None:
        """Close the connections of a client that was made here."""
        if self._owns_engine:
            await self._engine.aclose()

    def speak(self, text: str) -> AsyncGenerator[SpeechPiece]:
        """One clause by the engine, in this voice and speed."""
        return self._engine.speak(text, voice=self._voice, speed=self._speed)

    def use_rate(self, sample_rate_hz: int) -> None:
        """Take over the rate that the voice really has."""
        self._sample_rate = sample_rate_hz


class Delivery:
    """Audio and captions into LiveKit's emitter, which is set up when the voice's rate is known."""

    def __init__(self, emitter: tts.AudioEmitter, voice: TTS, *, is_stream: bool) -> None:
        self._emitter = emitter
        self._voice = voice
        self._is_stream = is_stream
        self._is_set_up = False
        self._length_s = 0.0
        self._uncaptioned = ""

    def push(self, piece: SpeechPiece, captions: CaptionCutter) -> None:
        """Deliver a piece of a clause with the captions of its words."""
        self._set_up(piece.sample_rate_hz)
        self._caption_rest()
        self._emitter.push_timed_transcript(
            [
                TimedString(
                    caption.text,
                    start_time=self._length_s + caption.start_s,
                    end_time=self._length_s + caption.end_s,
                )
                for caption in captions.cut(piece.words)
            ]
        )
        self._emitter.push(piece.pcm)
        self._length_s += len(piece.pcm) / 2 / piece.sample_rate_hz

    def end_clause(self, captions: CaptionCutter) -> None:
        """Let go of audio held back for a frame, and caption what has no time of its own."""
        self._uncaptioned += captions.rest()
        if self._is_set_up:
            self._caption_rest()
            self._emitter.flush()

    def finish(self) -> None:
        """End the speech. Text that says nothing, such as a lone emoji, becomes a moment of silence."""
        if not self._is_set_up:
            self._set_up(self._voice.sample_rate)
            self._caption_rest()
            self._emitter.push(bytes(2 * round(SILENCE_S * self._voice.sample_rate)))
        self._emitter.flush()

    def _caption_rest(self) -> None:
        if self._uncaptioned:
            self._emitter.push_timed_transcript(TimedString(self._uncaptioned, start_time=self._length_s))
            self._uncaptioned = ""

    def _set_up(self, sample_rate_hz: int) -> None:
        if self._is_set_up:
            return
        self._is_set_up = True
        self._voice.use_rate(sample_rate_hz)
        self._emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=sample_rate_hz,
            num_channels=1,
            mime_type="audio/pcm",
            stream=self._is_stream,
        )
        if self._is_stream:
            self._emitter.start_segment(segment_id=utils.shortuuid())


class SpokenText(tts.ChunkedStream):
    """A whole text, delivered as its clauses are made."""

    def __init__(self, voice: TTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        delivery = Delivery(output_emitter, self._voice, is_stream=False)
        try:
            for text in cut(self._input_text):
                captions = CaptionCutter(text)
                async with aclosing(self._voice.speak(text)) as pieces:
                    async for piece in pieces:
                        delivery.push(piece, captions)
                delivery.end_clause(captions)
        except EngineError as error:
            raise api_error(error) from error
        delivery.finish()


@dataclass(eq=False)
class Clause:
    """A clause that was asked for; its pieces of audio as they arrive, `None` after the last."""

    text: str
    pieces: asyncio.Queue[SpeechPiece | None] = field(default_factory=asyncio.Queue[SpeechPiece | None])


class SpeechStream(tts.SynthesizeStream):
    """A text as it is written. While one clause is delivered the next is already asked for; order is kept."""

    def __init__(self, voice: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        delivery = Delivery(output_emitter, self._voice, is_stream=True)
        asked: asyncio.Queue[Clause | None] = asyncio.Queue()
        slots = asyncio.Semaphore(LOOKAHEAD)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(asked, slots, tasks))
                while clause := await asked.get():
                    await self._deliver(clause, delivery)
                    slots.release()
        except ExceptionGroup as errors:
            error = engine_error(errors)
            raise api_error(error) from error
        delivery.finish()

    async def _ask(
        self, asked: asyncio.Queue[Clause | None], slots: asyncio.Semaphore, tasks: asyncio.TaskGroup
    ) -> None:
        """Ask for every clause in order, as soon as it is written and a slot is free."""
        async for text in self._clauses():
            await slots.acquire()
            self._mark_started()
            clause = Clause(text)
            tasks.create_task(self._fetch(clause))
            asked.put_nowait(clause)
        asked.put_nowait(None)

    async def _clauses(self) -> AsyncGenerator[str]:
        cutter = ClauseCutter()
        async for item in self._input_ch:
            written, is_flushed = self._written_so_far(item)
            for text in cutter.feed(written) + (cutter.flush() if is_flushed else []):
                yield text
        for text in cutter.flush():
            yield text

    def _written_so_far(self, item: "str | SpeechStream._FlushSentinel") -> tuple[str, bool]:
        """`item` with all text that is already there, up to a flush: more text makes better cuts."""
        written = ""
        while isinstance(item, str):
            written += item
            try:
                item = self._input_ch.recv_nowait()
            except (ChanEmpty, ChanClosed):
                return written, False
        return written, True

    async def _fetch(self, clause: Clause) -> None:
        async with aclosing(self._voice.speak(clause.text)) as pieces:
            async for piece in pieces:
                clause.pieces.put_nowait(piece)
        clause.pieces.put_nowait(None)

    async def _deliver(self, clause: Clause, delivery: Delivery) -> None:
        captions = CaptionCutter(clause.text)
        while piece := await clause.pieces.get():
            delivery.push(piece, captions)
        delivery.end_clause(captions)
