"""POST /v1/audio/transcriptions: a recording in, its words out, whole or piece by piece as they are heard."""

import asyncio
import math
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..keys import CONFIG
from .audio_shapes import SegmentRow, Transcription, TranscriptionForm, WordRow
from .backend import Transcript, Word
from .bodies import read_form
from .events import reply_in_events
from .keys import AGENT
from .recording import RATE_HZ, Pcm, cut, decode
from .subtitles import srt, vtt

Json = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """One piece of a recording and what was said in it, in seconds from the recording's start."""

    start_s: float
    end_s: float
    transcript: Transcript

    @property
    def words(self) -> list[Word]:
        """The words with their times in the recording."""
        return [
            Word(word.text, self.start_s + word.start_s, self.start_s + word.end_s) for word in self.transcript.words
        ]


async def transcribe(request: web.Request) -> web.StreamResponse:
    """Transcribe the file of an OpenAI form."""
    form, data = await read_form(request, TranscriptionForm)
    pcm = await decoded(request, data)
    pieces = hear(request, pcm, language=form.language)
    if form.stream:
        return await reply_in_events(request, _events(pieces))
    async with aclosing(pieces):
        heard = [piece async for piece in pieces]
    return _reply(heard, form)


async def decoded(request: web.Request, data: bytes) -> Pcm:
    """A recording's sound. Raises `ApiError` for one that is too long or is none."""
    return await asyncio.to_thread(decode, data, longest_s=request.app[CONFIG].max_audio_s)


async def hear(request: web.Request, pcm: Pcm, *, language: str | None) -> AsyncGenerator[Heard]:
    """The recording's pieces, each when it has been heard."""
    start = 0
    for piece in cut(pcm):
        transcript = await request.app[AGENT].transcribe(piece.tobytes(), language=language)
        end = start + piece.size
        yield Heard(start / RATE_HZ, end / RATE_HZ, transcript)
        start = end


def text_of(heard: list[Heard]) -> str:
    """Everything that was said."""
    return " ".join(piece.transcript.text for piece in heard if piece.transcript.text)


def words_of(heard: list[Heard]) -> list[Word]:
    """Every word with its time in the recording."""
    return [word for piece in heard for word in piece.words]


def _reply(heard: list[Heard], form: TranscriptionForm) -> web.Response:
    match form.response_format:
        case "json":
            return web.json_response({"text": text_of(heard)})
        case "verbose_json":
            return web.json_response(verbose(heard, form).model_dump(exclude_none=True))
        case "text":
            return web.Response(text=text_of(heard) + "\n")
        case "srt":
            return web.Response(text=srt(words_of(heard)), content_type="application/x-subrip")
        case "vtt":
            return web.Response(text=vtt(words_of(heard)), content_type="text/vtt")


def verbose(heard: list[Heard], form: TranscriptionForm) -> Transcription:
    """OpenAI's `verbose_json`, with words and segments where they are wanted."""
    wanted = form.timestamp_granularities
    words = [WordRow(word=word.text, start=_s(word.start_s), end=_s(word.end_s)) for word in words_of(heard)]
    spoken = [piece for piece in heard if piece.transcript.text]
    return Transcription(
        text=text_of(heard),
        task="transcribe",
        language=heard[0].transcript.language,
        duration=_s(heard[-1].end_s),
        segments=[_segment(number, piece) for number, piece in enumerate(spoken)] if "segment" in wanted else None,
        words=words if "word" in wanted else None,
    )


def _segment(number: int, heard: Heard) -> SegmentRow:
    said = heard.transcript
    text = said.text.encode()
    return SegmentRow(
        id=number,
        start=_s(heard.start_s),
        end=_s(heard.end_s),
        text=said.text,
        avg_logprob=math.log(max(said.confidence, 1e-6)),
        compression_ratio=len(text) / len(zlib.compress(text)),
        no_speech_prob=said.no_speech,
    )


def _s(seconds: float) -> float:
    return round(seconds, 3)


async def _events(pieces: AsyncGenerator[Heard]) -> AsyncGenerator[Json]:
    """OpenAI's events: what each piece adds to the text, then the whole."""
    text = ""
    async with aclosing(pieces):
        async for piece in pieces:
            if said := piece.transcript.text:
                delta = f" {said}" if text else said
                text += delta
                yield {"type": "transcript.text.delta", "delta": delta}
    yield {"type": "transcript.text.done", "text": text}
