"""Whisper's whole work on what a caller says, and then the words of the script instead of its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer

from bench.shapes.script import Script
from plugins.whisper.judge import Doubt, Thresholds
from plugins.whisper.model import Decoding, Transcript, Utterance, WhisperModel, Word

TOKENS_OF_AN_END = 3
"""What a decode costs beyond its words: the final mark, the end of the text, a step until the beam is done."""
NEVER = Doubt(0.0, 1.0, 0.0)
CREDULOUS = Thresholds(no_speech=NEVER, surprise=NEVER, repetition=NEVER, haste=NEVER, loop=NEVER)
"""Takes everything for speech, so that word times are computed too."""
CONFIDENCE = 0.9


class ScriptedWhisper(WhisperModel):
    """Encodes, decodes as many tokens as the script's words have, and times them; all of it for real."""

    def __init__(self, path: Path, *, script: Script, threads: int, device: str, decoding: Decoding) -> None:
        decoding = replace(decoding, tokens_per_s=0.0, thresholds=CREDULOUS)
        super().__init__(path, threads=threads, device=device, decoding=decoding)
        self._script = script
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))

    def decode(self, batch: Sequence[Utterance]) -> list[Transcript]:
        """The words of the script that each utterance is; no speech if it is none of them."""
        said = [self._script.words_of(utterance.audio) for utterance in batch]
        longest = max((len(self._tokenizer.encode(f" {_text(words)}").ids) for words in said), default=0)
        self._decoding = replace(self._decoding, spare_tokens=longest + TOKENS_OF_AN_END)
        super().decode(batch)
        return [_transcript(words, utterance) for words, utterance in zip(said, batch, strict=True)]


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _transcript(words: tuple[Word, ...], utterance: Utterance) -> Transcript:
    return Transcript(
        text=_text(words),
        words=words if utterance.want_words else (),
        language="en",
        confidence=CONFIDENCE if words else 0.0,
        no_speech=0.0 if words else 1.0,
        is_speech=bool(words),
    )
