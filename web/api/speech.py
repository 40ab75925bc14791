"""POST /v1/audio/speech: text in, speech out while it is being made."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from .audio_shapes import SpeechRequest
from .backend import Sound
from .bodies import read_json
from .encoding import CONTENT_TYPES, PCM_RATE_HZ, Encoder, encoder
from .events import reply_in_events, write
from .keys import AGENT

Json = dict[str, Any]

OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"}
)
"""Names that OpenAI's clients send; here they mean the house's voice."""


async def create_speech(request: web.Request) -> web.StreamResponse:
    """Speak a text; closing the connection stops the voice."""
    return await speak(request, await read_json(request, SpeechRequest))


async def speak(request: web.Request, body: SpeechRequest) -> web.StreamResponse:
    """The speech as a file that grows, or as events with a piece of that file in each."""
    voice = None if body.voice in OPENAI_VOICES else body.voice
    coded = _coded(request.app[AGENT].speak(body.input, voice=voice, speed=body.speed), body)
    if body.stream_format == "sse":
        return await reply_in_events(request, _events(coded))
    headers = {"Content-Type": CONTENT_TYPES[body.response_format]}
    if body.response_format == "pcm":
        headers["X-Sample-Rate"] = str(PCM_RATE_HZ)
    response = web.StreamResponse(headers=headers)
    with suppress(ConnectionError):
        async with aclosing(coded):
            async for data in coded:
                await write(request, response, data)
        await write(request, response, b"")
        await response.write_eof()
    return response


async def _coded(sounds: AsyncGenerator[Sound], body: SpeechRequest) -> AsyncGenerator[bytes]:
    """The file's bytes, each piece of speech at once."""
    coder: Encoder | None = None
    async with aclosing(sounds):
        async for sound in sounds:
            coder = coder or encoder(body.response_format, rate_hz=sound.sample_rate_hz)
            if data := await asyncio.to_thread(coder.add, sound.pcm):
                yield data
    coder = coder or encoder(body.response_format, rate_hz=PCM_RATE_HZ)
    if data := await asyncio.to_thread(coder.end):
        yield data


async def _events(coded: AsyncGenerator[bytes]) -> AsyncGenerator[Json]:
    async with aclosing(coded):
        async for data in coded:
            yield {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
    yield {"type": "speech.audio.done"}
