"""Whisper for LiveKit: audio in, interim, preflight and final transcripts out. Silence never leaves the worker."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    inference,
    stt,
    utils,
    vad,
)

from plugins.client import EngineClient, TranscriptionSocket
from plugins.errors import EngineError, EngineUnavailable
from plugins.livekit_errors import api_error, engine_error
from plugins.whisper.gate import (
    SAMPLE_RATE_HZ,
    USUAL_GATE,
    Audio,
    Command,
    End,
    GateSettings,
    Preflight,
    Resume,
    SpeechGate,
    Start,
)
from plugins.whisper.outbox import Outbox, Spoken
from plugins.whisper.speech_events import final, interim, preflight, usage

ASK_AGAIN_S = 0.25
"""Between two attempts to reach an engine that is away."""
PATIENCE_S = 20.0
"""How much longer than LiveKit's own time-out an engine is waited for, so that waiting never uses up its retries."""
QUIET_PROBABILITY = 0.35
"""Below this the detector's window counts as silence."""
FLUSH_SILENCE_S = 0.7
"""Silence that ends whatever is being said, for any detector in its usual settings."""

OnVoice = Callable[[vad.VADEvent], None]


class STT(stt.STT[Any]):
    """Speech to text by the engine at `engine` (a client, or a URL such as `unix:run/engine.sock`).

    `language` is a code such as `en`; `None` lets a multilingual Whisper detect it. `vad` decides what is speech:
    LiveKit's built-in detector, or any other such as `livekit.plugins.silero.VAD.load()`. `on_decoded` is told how
    many milliseconds the engine took for each final transcript, `on_voice` everything that the detector finds.
    """

    def __init__(
        self,
        engine: EngineClient | str,
        *,
        language: str | None = "en",
        vad: vad.VAD | None = None,
        gate: GateSettings = USUAL_GATE,
        on_decoded: Callable[[float], None] | None = None,
        on_voice: OnVoice | None = None,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=True, interim_results=True, aligned_transcript="word")
        )
        self._owns_engine = isinstance(engine, str)
        self._engine = EngineClient(engine) if isinstance(engine, str) else engine
        self._language = language
        self._vad = vad or inference.VAD(min_silence_duration=0.25)
        self._gate = gate
        self._on_decoded = on_decoded
        self._on_voice = on_voice

    @property
    def model(self) -> str:
        return "whisper"

    @property
    def provider(self) -> str:
        return "landline"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> "TranscriptStream":
        """Transcribe one participant as it speaks."""
        return TranscriptStream(
            self,
            engine=self._engine,
            detector=self._vad,
            gate=self._gate,
            language=language or self._language,
            on_voice=self._on_voice,
            conn_options=conn_options,
            on_decoded=self._on_decoded,
        )

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        """Transcribe a whole recording, which is taken to be one utterance."""
        try:
            async with self._engine.transcription(language or self._language) as socket:
                await socket.start()
                for frame in _at_16_khz(buffer):
                    await socket.send(bytes(frame.data))
                await socket.end()
                async for event in socket:
                    if event["type"] == "final":
                        return final(event, start_s=0.0, origin_s=0.0)
        except EngineError as error:
            raise api_error(error) from error
        raise api_error(EngineUnavailable("the engine closed the socket before the final transcript"))

    async def aclose(self) -> None:
        """Close the connections of a client that was made here."""
        if self._owns_engine:
            await self._engine.aclose()


class TranscriptStream(stt.RecognizeStream):
    """One participant's speech.

    When the engine goes away LiveKit is told with a retryable error and starts `_run` again; utterances without a
    final transcript are kept and sent to the engine that comes back, while speech goes on being detected.
    """

    def __init__(
        self,
        whisper: STT,
        *,
        engine: EngineClient,
        detector: vad.VAD,
        gate: GateSettings,
        language: str | None,
        on_voice: OnVoice | None,
        conn_options: APIConnectOptions,
        on_decoded: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(stt=whisper, conn_options=conn_options, sample_rate=SAMPLE_RATE_HZ)
        self._engine = engine
        self._detector = detector.stream()
        self._language = language
        self._on_decoded = on_decoded
        self._gate = SpeechGate(gate)
        self._on_voice = on_voice
        self._outbox = Outbox()
        self._patience_s = conn_options.timeout + PATIENCE_S
        self._origin_s: float | None = None
        self._listening: asyncio.Task[None] | None = None

    async def _run(self) -> None:
        if self._origin_s is None:
            self._origin_s = self.start_time_offset
        if self._listening is None:  # once: a detector whose reader was cancelled cannot be read again
            self._listening = asyncio.create_task(self._listen())
        try:
            async with asyncio.TaskGroup() as tasks:
                link = tasks.create_task(self._hold_link())
                await asyncio.shield(self._listening)
                await self._outbox.wait_until_answered()
                link.cancel()
        except ExceptionGroup as errors:
            error = engine_error(errors)
            raise api_error(error) from error

    async def aclose(self) -> None:
        """Stop at once; what was not transcribed is dropped."""
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await super().aclose()
        await self._detector.aclose()

    async def _listen(self) -> None:
        """Turn audio into commands for the engine until the audio ends."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed_detector())
            async for event in self._detector:
                self._follow(event)
        self._tell(self._gate.end())

    async def _feed_detector(self) -> None:
        async for frame in self._input_ch:
            self._detector.push_frame(frame if isinstance(frame, rtc.AudioFrame) else _silence(FLUSH_SILENCE_S))
        self._detector.end_input()

    def _follow(self, event: vad.VADEvent) -> None:
        if self._on_voice:
            self._on_voice(event)
        match event.type:
            case vad.VADEventType.INFERENCE_DONE:
                pcm = b"".join(bytes(frame.data) for frame in event.frames)
                self._tell(self._gate.window(pcm, silence_s=_silence_s(event, pcm)))
            case vad.VADEventType.START_OF_SPEECH:
                self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
                self._tell(self._gate.start())
            case vad.VADEventType.END_OF_SPEECH:
                self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))
                self._tell(self._gate.end())

    def _tell(self, commands: list[Command]) -> None:
        for command in commands:
            self._outbox.put(command)

    async def _hold_link(self) -> None:
        """One connection: what the engine missed and all that follows go out, transcripts come in."""
        async with self._connected() as socket, asyncio.TaskGroup() as tasks:
            sent: list[Spoken] = []
            tasks.create_task(self._send(socket, sent))
            async for event in socket:
                self._emit(event, sent[event["utterance"] - 1])
            raise EngineUnavailable("the engine closed the transcription socket")

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[TranscriptionSocket]:
        """A socket to the engine, waiting for one that is away or still loading."""
        clock = asyncio.get_running_loop().time
        give_up_at, is_connected = clock() + self._patience_s, False
        while not is_connected:
            try:
                async with self._engine.transcription(self._language) as socket:
                    is_connected = True
                    yield socket
            except EngineUnavailable:
                if is_connected or clock() >= give_up_at:
                    raise
                await asyncio.sleep(ASK_AGAIN_S)

    async def _send(self, socket: TranscriptionSocket, sent: list[Spoken]) -> None:
        queue = self._outbox.connect()
        while True:
            spoken, command = await queue.get()
            match command:
                case Start():
                    sent.append(spoken)
                    await socket.start()
                case Audio(pcm):
                    await socket.send(pcm)
                case Preflight():
                    await socket.preflight()
                case Resume():
                    await socket.resume()
                case End():
                    await socket.end()

    def _emit(self, event: dict[str, Any], spoken: Spoken) -> None:
        """Pass a transcript on. Text that was shown for something that is no speech after all is taken back."""
        times = {"start_s": (self._origin_s or 0.0) + spoken.start_s, "origin_s": self._origin_s or 0.0}
        if event["type"] == "final":
            self._outbox.answered(spoken)
            if self._on_decoded and event["text"]:
                self._on_decoded(event.get("decode_ms", 0.0))
            if event["text"] or spoken.was_shown:
                make = final if event["text"] else interim
                self._event_ch.send_nowait(make(event, **times))
            self._event_ch.send_nowait(usage(event))
        elif event["text"]:
            is_current = spoken.is_quiet and abs(event["audio_s"] - spoken.length_s) < 0.01
            make = preflight if event["type"] == "preflight" and is_current else interim
            self._event_ch.send_nowait(make(event, **times))
            spoken.was_shown = True


def _silence_s(event: vad.VADEvent, pcm: bytes) -> float:
    """Silence up to the end of the window; the event itself counts up to its beginning."""
    if event.probability >= QUIET_PROBABILITY:
        return 0.0
    return event.raw_accumulated_silence + len(pcm) / 2 / SAMPLE_RATE_HZ


def _silence(seconds: float) -> rtc.AudioFrame:
    samples = round(seconds * SAMPLE_RATE_HZ)
    return rtc.AudioFrame(bytes(2 * samples), SAMPLE_RATE_HZ, 1, samples)


def _at_16_khz(buffer: utils.AudioBuffer) -> list[rtc.AudioFrame]:
    frames = buffer if isinstance(buffer, list) else [buffer]
    if not frames or frames[0].sample_rate == SAMPLE_RATE_HZ:
        return frames
    resampler = rtc.AudioResampler(frames[0].sample_rate, SAMPLE_RATE_HZ, quality=rtc.AudioResamplerQuality.HIGH)
    return [piece for frame in frames for piece in resampler.push(frame)] + resampler.flush()
