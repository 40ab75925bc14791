"""OpenAI's transcription and speech requests, and what a transcription gives."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from .encoding import Format

MAX_SPEECH_CHARS = 4096
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class TranscriptionForm(BaseModel):
    """OpenAI's form: `file` (wav, mp3, flac, ogg or webm) and these. Any `model` is accepted; others are ignored."""

    model: str = ""
    language: Language | None = None
    response_format: Literal["json", "text", "verbose_json", "srt", "vtt"] = "json"
    stream: bool = False
    timestamp_granularities: list[Literal["word", "segment"]] = ["word", "segment"]


class SpeechRequest(BaseModel):
    """OpenAI's speech request. Any `model` is accepted, and OpenAI's names of voices mean the house's voice.

    `pcm` is 24 kHz, 16-bit, mono, as OpenAI's clients expect it; `opus` comes in an Ogg file.
    """

    input: str = Field(min_length=1, max_length=MAX_SPEECH_CHARS)
    model: str = ""
    voice: str | None = Field(default=None, max_length=128)
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    response_format: Format = "mp3"
    stream_format: Literal["audio", "sse"] = "audio"


class WordRow(BaseModel):
    word: str
    start: float
    end: float


class SegmentRow(BaseModel):
    """One piece of the recording; seconds from its start."""

    id: int
    seek: int = 0
    start: float
    end: float
    text: str
    tokens: list[int] = []
    temperature: float = 0.0
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class Transcription(BaseModel):
    """`json` has the text alone, `verbose_json` everything."""

    text: str
    task: Literal["transcribe"] | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[SegmentRow] | None = None
    words: list[WordRow] | None = None
