"""The models in LiveKit's places: whole utterances in, whole sentences out, answers token by token."""

import asyncio
from typing import Any, cast

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, NotGivenOr, llm, stt, tts, utils

from agent.prompting import Prompt
from bench.stock.models import WHISPER_RATE_HZ, Answers, Documents, Json, Voice, Whisper
from plugins.audio import Float, float_from_pcm
from plugins.client import EngineClient

PROMPT = "prompt"
"""The argument that carries the whole prompt, which was made when the turn was over."""


class STT(stt.STT[Any]):
    """Whisper, which hears an utterance once it is over."""

    def __init__(self, whisper: Whisper) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._whisper = whisper

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        loop, audio = asyncio.get_running_loop(), whole(buffer)
        text = await loop.run_in_executor(self._whisper.thread, self._whisper.words_in, audio)
        heard = stt.SpeechData(language=cast(Any, "en"), text=text)
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


def whole(buffer: utils.AudioBuffer) -> Float:
    """An utterance as Whisper wants it."""
    frame = rtc.combine_audio_frames(buffer)
    frames = [frame]
    if frame.sample_rate != WHISPER_RATE_HZ:
        resampler = rtc.AudioResampler(frame.sample_rate, WHISPER_RATE_HZ)
        frames = [*resampler.push(frame), *resampler.flush()]
    return float_from_pcm(b"".join(bytes(one.data) for one in frames))


class LLM(llm.LLM[Any]):
    """The language model."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> "AnswerStream":
        """Begin the answer to the prompt in `extra_kwargs`."""
        prompt: Prompt = cast(Json, extra_kwargs)[PROMPT]
        return AnswerStream(self, prompt, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class AnswerStream(llm.LLMStream):
    """One answer. Closing it leaves the model after the token that it is at."""

    def __init__(self, model: LLM, prompt: Prompt, **rest: Any) -> None:
        super().__init__(model, **rest)
        self._answers = model.answers
        self._prompt = prompt

    async def _run(self) -> None:
        loop, deltas = asyncio.get_running_loop(), self._answers.deltas(self._prompt)
        while (text := await loop.run_in_executor(self._answers.thread, next, deltas, None)) is not None:
            delta = llm.ChoiceDelta(role="assistant", content=text)
            self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=delta))


class TTS(tts.TTS[Any]):
    """Piper, which speaks a sentence once it is written."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=voice.rate_hz, num_channels=1)
        self.voice = voice

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "SpokenSentence":
        """Speak one sentence."""
        return SpokenSentence(self, text, conn_options)


class SpokenSentence(tts.ChunkedStream):
    """One sentence."""

    def __init__(self, piper: TTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=piper, input_text=text, conn_options=conn_options)
        self._voice = piper.voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        loop = asyncio.get_running_loop()
        pcm = await loop.run_in_executor(self._voice.thread, self._voice.sound_of, self._input_text)
        output_emitter.initialize(
            request_id=utils.shortuuid(), sample_rate=self._voice.rate_hz, num_channels=1, mime_type="audio/pcm"
        )
        output_emitter.push(pcm)
        output_emitter.flush()


class Library:
    """The one thing that our prompts ask of an engine, done in a thread here."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def retrieve(self, query: str, **wanted: Any) -> Json:
        """As `EngineClient.retrieve`."""
        return await asyncio.to_thread(self._documents.search, query, **wanted)


def as_engine(documents: Documents) -> EngineClient:
    """Our prompts' engine."""
    return cast(EngineClient, Library(documents))
