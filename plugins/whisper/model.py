"""Whisper through CTranslate2: several utterances in one batch, on a window as long as the speech. Blocking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from plugins.errors import ModelCorrupt, ModelError
from plugins.whisper.alignment import is_plausible, words_by_length, words_from_attention
from plugins.whisper.judge import Evidence, Thresholds, Verdict, judge, without_loop
from plugins.whisper.mel import LogMel
from plugins.whisper.native import Decoded, Encoded, Native, read_json
from plugins.whisper.tokens import Tokens
from plugins.whisper.transcripts import Float, Transcript, Utterance, Word
from plugins.whisper.windows import (
    FRAMES_PER_S,
    MAX_FRAMES,
    Window,
    cut_windows,
    frames_for,
    group,
    voiced_span,
)

__all__ = ["Decoding", "Transcript", "Utterance", "WhisperModel", "Word"]

SHORTEST_S = 0.1


@dataclass(frozen=True)
class Decoding:
    """How to decode; the defaults are for conversation on a CPU."""

    beam_size: int = 5
    """Hypotheses kept beside each other, but for interims; 1 is greedy."""
    max_batch: int = 16
    tokens_per_s: float = 12.0
    """A decode is stopped at this many tokens for each second of audio: more is a loop."""
    spare_tokens: int = 8
    thresholds: Thresholds = Thresholds()


@dataclass(frozen=True)
class Heard:
    """One decoded window."""

    window: Window
    ids: tuple[int, ...]
    text: str
    language: str
    no_speech: float
    verdict: Verdict
    words: tuple[Word, ...] = ()


class WhisperModel:
    """A CTranslate2 Whisper folder: `model.bin`, `config.json`, `tokenizer.json`, `preprocessor_config.json`.

    Raises `ModelMissing` or `ModelCorrupt`, naming the file and the command that repairs it, or `DeviceMissing`.
    """

    def __init__(self, path: Path, *, threads: int, device: str = "cpu", decoding: Decoding = Decoding()) -> None:
        self._decoding = decoding
        self._native = Native(path, threads=threads, device=device)
        self._tokens = Tokens(path, is_multilingual=self._native.is_multilingual)
        _check_features(path, bands=self._native.mel_bands)
        self._log_mel = LogMel(bands=self._native.mel_bands)

    @property
    def is_multilingual(self) -> bool:
        """Whether it knows other languages than English."""
        return self._native.is_multilingual

    def check_language(self, language: str | None) -> None:
        """Raises `InvalidRequest` for a language that the model does not know."""
        if language:
            self._tokens.check_language(language)

    def decode(self, batch: Sequence[Utterance]) -> list[Transcript]:
        """A transcript for each utterance, in order; long ones are decoded in windows of 30 s.

        Raises `InvalidRequest` if one of them is in a language that the model does not know.
        """
        windows = [window for index, utterance in enumerate(batch) for window in self._windows(utterance, index)]
        heard: list[Heard] = []
        try:
            for together in group(windows, max_batch=self._decoding.max_batch):
                heard += self._hear(together, [batch[window.utterance] for window in together])
        except RuntimeError as error:
            raise ModelError(f"Whisper failed on a batch of {len(batch)} ({error})") from error
        return [
            _merge([item for item in heard if item.window.utterance == index], utterance)
            for index, utterance in enumerate(batch)
        ]

    def _windows(self, utterance: Utterance, index: int) -> list[Window]:
        self.check_language(utterance.language)
        windows = cut_windows(utterance.audio, utterance=index)
        return [window for window in windows if window.length_s >= SHORTEST_S]

    def _hear(self, windows: Sequence[Window], utterances: Sequence[Utterance]) -> list[Heard]:
        """Decode windows of like length in one batch."""
        longest_s = max(window.length_s for window in windows)
        frames = frames_for(longest_s)
        encoded = self._native.encode(
            [self._features(*item, frames=frames) for item in zip(windows, utterances, strict=True)]
        )
        languages = self._languages(encoded, [utterance.language for utterance in utterances])
        decoded = self._native.generate(
            encoded,
            [self._tokens.prompt(language) for language in languages],
            beam_size=1 if all(utterance.is_interim for utterance in utterances) else self._decoding.beam_size,
            max_tokens=self._max_tokens(longest_s),
        )
        heard = [self._judged(*item) for item in zip(windows, decoded, languages, strict=True)]
        return self._with_words(heard, encoded, [utterance.want_words for utterance in utterances])

    def _features(self, window: Window, utterance: Utterance, *, frames: int) -> Float:
        is_beginning = window.start_s == 0 and window.audio.size == utterance.audio.size
        return self._log_mel(window.audio, frames=frames, known=utterance.known if is_beginning else None)

    def _languages(self, encoded: Encoded, wanted: Sequence[str | None]) -> list[str]:
        """The language of each window: English, as asked for, or detected."""
        if not self.is_multilingual:
            return ["en"] * len(wanted)
        if all(wanted):
            return [language or "" for language in wanted]
        detected = self._native.detect_languages(encoded)
        return [language or found for language, found in zip(wanted, detected, strict=True)]

    def _max_tokens(self, length_s: float) -> int:
        return self._decoding.spare_tokens + round(length_s * self._decoding.tokens_per_s)

    def _judged(self, window: Window, decoded: Decoded, language: str) -> Heard:
        written = self._tokens.without_special(decoded.ids)
        ids = without_loop(written)
        text = self._tokens.text(ids)
        evidence = Evidence(
            text=text,
            no_speech=decoded.no_speech,
            mean_logprob=decoded.logprob / (len(decoded.ids) + 1),
            tokens=len(written),
            looping_tokens=len(written) - len(ids),
            audio_s=window.length_s,
        )
        verdict = judge(evidence, self._decoding.thresholds)
        return Heard(window, tuple(ids), text, language, decoded.no_speech, verdict)

    def _with_words(self, heard: Sequence[Heard], encoded: Encoded, wanted: Sequence[bool]) -> list[Heard]:
        """Add word times where they are wanted and something was said, all windows of a language at once."""
        timed = list(heard)
        by_language: dict[str, list[int]] = {}
        for row, item in enumerate(heard):
            if wanted[row] and item.verdict.is_speech:
                by_language.setdefault(item.language, []).append(row)
        for rows in by_language.values():
            for row, words in zip(rows, self._time([heard[row] for row in rows], encoded, rows), strict=True):
                timed[row] = replace(heard[row], words=words)
        return timed

    def _time(self, heard: Sequence[Heard], encoded: Encoded, rows: Sequence[int]) -> list[tuple[Word, ...]]:
        """Words with times for windows of one language, from attention where that makes sense."""
        if not self._native.can_align:
            return [self._spread(item) for item in heard]
        paths = self._native.align(
            encoded,
            rows,
            start=self._tokens.start(heard[0].language),
            texts=[item.ids for item in heard],
            frames=[min(MAX_FRAMES, round(item.window.length_s * FRAMES_PER_S)) for item in heard],
        )
        return [self._aligned(item, path) for item, path in zip(heard, paths, strict=True)]

    def _aligned(self, item: Heard, path: Sequence[tuple[int, int]]) -> tuple[Word, ...]:
        pieces = self._tokens.words(item.ids, language=item.language)
        words = words_from_attention(pieces, path, end_s=item.window.length_s)
        return tuple(words) if is_plausible(words) else self._spread(item)

    def _spread(self, item: Heard) -> tuple[Word, ...]:
        start_s, end_s = voiced_span(item.window.audio)
        pieces = self._tokens.words(item.ids, language=item.language)
        return tuple(words_by_length(pieces, start_s=start_s, end_s=end_s))


def _merge(heard: Sequence[Heard], utterance: Utterance) -> Transcript:
    """One transcript from an utterance's windows, those without speech left out."""
    ordered = sorted(heard, key=lambda item: item.window.start_s)
    spoken = [item for item in ordered if item.verdict.is_speech]
    no_speech = min((item.no_speech for item in ordered), default=1.0)
    if not spoken:
        return Transcript("", (), utterance.language or "en", 0.0, no_speech, is_speech=False)
    return Transcript(
        text=" ".join(item.text for item in spoken),
        words=tuple(_moved(word, by_s=item.window.start_s) for item in spoken for word in item.words),
        language=spoken[0].language,
        confidence=sum(item.verdict.confidence for item in spoken) / len(spoken),
        no_speech=no_speech,
        is_speech=True,
    )


def _moved(word: Word, *, by_s: float) -> Word:
    return Word(word.text, word.start_s + by_s, word.end_s + by_s)


def _check_features(path: Path, *, bands: int) -> None:
    """The folder's own word on its log-mel, where it has one, must fit the weights."""
    file = path / "preprocessor_config.json"
    if file.is_file() and (said := read_json(file).get("feature_size", bands)) != bands:
        raise ModelCorrupt(file, f"feature_size is {said}, the weights want {bands}")
