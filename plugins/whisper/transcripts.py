"""What goes into a decode and what comes out."""

from dataclasses import dataclass

from plugins.audio import Float
from plugins.whisper.mel import Known

__all__ = ["SAMPLE_RATE_HZ", "Float", "Transcript", "Utterance", "Word"]

SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True)
class Utterance:
    """Speech to decode: mono at 16 kHz in [-1, 1]. Without a language a multilingual model detects it.

    An interim is decoded greedily, as another decode follows; everything else with a beam.
    """

    audio: Float
    language: str | None = None
    want_words: bool = False
    is_interim: bool = False
    known: Known | None = None
    """What earlier decodes of the same speech, when it was shorter, have computed."""


@dataclass(frozen=True)
class Word:
    """A word and when it was said, in seconds from the start of its utterance."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Transcript:
    """What was said. If it was not speech, `text` and `words` are empty.

    `confidence` is 0..1; `no_speech` is the model's own probability that nobody spoke.
    """

    text: str
    words: tuple[Word, ...]
    language: str
    confidence: float
    no_speech: float
    is_speech: bool
