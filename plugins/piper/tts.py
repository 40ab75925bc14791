"""Piper for LiveKit: text deltas in, speech out clause by clause, with a caption for every word."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.agents.types import TimedString
from livekit.agents.utils.aio.channel import ChanClosed, ChanEmpty

from plugins.client import EngineClient, SpeechPiece
from plugins.errors import EngineError
from plugins.livekit_errors import api_error
from plugins.piper.captions import CaptionCutter
from plugins.piper.clauses import ClauseCutter, cut

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

    def speak(self, text: str, *, due_in_s: float) -> AsyncGenerator[SpeechPiece]:
        """One clause by the engine, in this voice and speed, needed when earlier speech is over."""
        return self._engine.speak(text, voice=self._voice, speed=self._speed, due_in_s=due_in_s)

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
        self._runs_out_s = 0.0

    async def speak(self, clause: str) -> None:
        """Have a clause made and deliver it."""
        captions = CaptionCutter(clause)
        due_in_s = max(0.0, self._runs_out_s - asyncio.get_running_loop().time())
        async with aclosing(self._voice.speak(clause, due_in_s=due_in_s)) as pieces:
            async for piece in pieces:
                self.push(piece, captions)
        self.end_clause(captions)

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
        length_s = len(piece.pcm) / 2 / piece.sample_rate_hz
        self._length_s += length_s
        self._runs_out_s = max(self._runs_out_s, asyncio.get_running_loop().time()) + length_s

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
                await delivery.speak(text)
        except EngineError as error:
            raise api_error(error) from error
        delivery.finish()


class SpeechStream(tts.SynthesizeStream):
    """A text as it is written, a clause at a time: the engine makes one while those before it play."""

    def __init__(self, voice: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        delivery = Delivery(output_emitter, self._voice, is_stream=True)
        try:
            async with aclosing(self._clauses()) as clauses:
                async for text in clauses:
                    self._mark_started()
                    await delivery.speak(text)
        except EngineError as error:
            raise api_error(error) from error
        delivery.finish()

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
