"""POST /v1/audio/transcriptions: a short recording at once, when no caller's words are waiting."""

from dataclasses import asdict

from aiohttp import web

from plugins.audio import float_from_pcm
from plugins.errors import InvalidRequest
from plugins.server.keys import ENGINE
from plugins.server.metrics import STT, STT_AUDIO
from plugins.server.scheduler import Priority
from plugins.whisper.model import Utterance

RATE_HZ = 16_000
LONGEST_S = 30.0


async def transcribe(request: web.Request) -> web.Response:
    """The body is 16 kHz, 16-bit, mono PCM. Callers' own speech is decoded first."""
    engine = request.app[ENGINE]
    language = request.query.get("language")
    engine.whisper.use().check_language(language)  # before it shares a batch: there it would fail the others too
    audio = float_from_pcm(await request.read())
    seconds = audio.size / RATE_HZ
    if seconds > LONGEST_S:
        raise InvalidRequest(f"a recording may last {LONGEST_S:.0f} s here, not {seconds:.0f}; send it in pieces")
    utterance = Utterance(audio, language, want_words=True)
    with STT.measure():
        transcript = await engine.hearing.submit(lambda: utterance, priority=Priority.SPECULATIVE)
    STT_AUDIO.observe(seconds)
    return web.json_response(asdict(transcript))
