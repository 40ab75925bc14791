"""Batches for training: windows of like length, as log-mel with everything the losses need."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from training.audio.speech import SAMPLE_RATE_HZ, Audio, Mark
from training.stt.model import MEL_BANDS
from training.stt.recordings import Recording, Shelf
from training.stt.sentences import home_words
from training.stt.tokens import Codec, Place
from training.stt.windows import Draw, Sounds, Window, cut, damage, empty, place

IGNORED = -100
FRAMES_PER_S = 50
SYNTHESIZERS = ("espeak", "flite")
PAUSES = ("_", "pau", ":", "|", "")
RAREST = 15
AWAY_SHARE = 0.6
"""Sentences with words from outside the hotel are drawn this often, compared with the others."""
LENGTHY_S, LENGTHY_SHARE = 6.0, 0.5
"""And so are lengthy ones, which cost much to learn from."""
ESPEAK_SHARE = 0.5
"""And so are espeak-ng's, whose many voices are alike: the model must also hear people it never met."""
POOL = 160
EMPTY_SHARE, CUT_SHARE, JOINED_SHARE, LONG_SHARE, STAMPED_SHARE = 0.07, 0.08, 0.03, 0.005, 0.1
WHOLE_WINDOW_S = 30.0
MOST_TAIL_FRAMES = 30
SILENCE_SHARE = 0.75
OTHER_THROAT_SHARE, THROATS = 0.65, (0.82, 1.2)
MILD_BATCHES = 6000
"""Until then speech is damaged less than it will be."""


@dataclass(frozen=True)
class Batch:
    """`mel` [n, 80, 2 f]; `tokens`, `labels` [n, t]; `phones` [synthesizers, n, f] and `gaze` [n, t, 2] are frames."""

    mel: torch.Tensor
    tokens: torch.Tensor
    labels: torch.Tensor
    phones: torch.Tensor
    gaze: torch.Tensor


class Phones:
    """Class numbers of phonemes, for each synthesizer its own; 0 is a pause or no speech."""

    def __init__(self, labels: dict[str, list[str]]) -> None:
        self.labels = labels
        self._numbers = {kind: {label: i for i, label in enumerate(known)} for kind, known in labels.items()}

    @classmethod
    def count(cls, recordings: Sequence[Recording]) -> "Phones":
        """All phonemes that are not rare."""
        counts = {kind: Counter[str]() for kind in SYNTHESIZERS}
        for item in recordings:
            kind = "flite" if item.voice.startswith("flite") else "espeak"
            counts[kind].update(bare(mark.label) for mark in item.phones)
        return cls({k: ["", *sorted(p for p, n in c.items() if p and n >= RAREST)] for k, c in counts.items()})

    def number(self, kind: str, label: str) -> int:
        """The class of a phoneme, IGNORED for a rare one."""
        return self._numbers[kind].get(bare(label), IGNORED)

    def sizes(self) -> list[int]:
        """How many classes each synthesizer has."""
        return [len(self.labels[kind]) for kind in SYNTHESIZERS]


def bare(label: str) -> str:
    """A phoneme without stress and length of pause."""
    stripped = label.lstrip("',%=")
    return "" if stripped.strip("_:;|!") in PAUSES else stripped


class Batches(IterableDataset[Batch]):
    """An endless stream of batches of about `batch_s` seconds of audio each, ever more damaged as training goes on."""

    def __init__(self, folder: Path, codec: Codec, phones: Phones, *, batch_s: float, first: int = 0) -> None:
        self._folder, self._codec, self._phones = folder, codec, phones
        self._batch_s, self._number = batch_s, first
        self._features = FeatureExtractor(feature_size=MEL_BANDS)

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        rng = np.random.default_rng(self._number)
        sounds = Sounds(rng)
        shelf = Shelf(self._folder)
        while True:
            shelf.refresh()
            windows = sorted((self._window(shelf, sounds, rng) for _ in range(POOL)), key=lambda w: w.seconds)
            groups = list(_groups(windows, self._batch_s))
            random.Random(int(rng.integers(1 << 30))).shuffle(groups)
            sounds.renew()
            for group in groups:
                self._number += 1
                yield self._batch(group, rng)

    def _window(self, shelf: Shelf, sounds: Sounds, rng: np.random.Generator) -> Window:
        home = home_words()

        def draw() -> Recording:
            drawn = shelf.recordings[rng.integers(len(shelf.recordings))]
            return drawn if rng.random() < _weight(drawn, home) else draw()

        kind = rng.random()
        if kind < EMPTY_SHARE:
            return empty(sounds, rng=rng)
        window = place(_take(draw, kind - EMPTY_SHARE, rng), rng=rng)
        if rng.random() < CUT_SHARE:
            window = cut(window, at_s=float(rng.uniform(0.3, window.seconds)))
        audio = damage(window.audio, sounds, draw, rng=rng, strength=min(1.0, self._number / MILD_BATCHES))
        return Window(audio, window.segments, window.words, window.phones, window.synthesizer)

    def _batch(self, windows: Sequence[Window], rng: np.random.Generator) -> Batch:
        frames = int(max(window.seconds for window in windows) * FRAMES_PER_S) + int(rng.integers(1, MOST_TAIL_FRAMES))
        if rng.random() < LONG_SHARE:
            frames, windows = int(WHOLE_WINDOW_S * FRAMES_PER_S), windows[:3]
        mels = [self._mel(window.audio, frames, rng) for window in windows]
        stamped = rng.random(len(windows)) < STAMPED_SHARE
        targets = [self._codec.target(w.segments, timestamps=bool(s)) for w, s in zip(windows, stamped, strict=True)]
        return Batch(
            mel=torch.from_numpy(np.stack(mels)),
            tokens=_padded([t.inputs for t in targets], self._codec.end),
            labels=_padded([t.labels for t in targets], IGNORED),
            phones=torch.from_numpy(np.stack([self._frame_classes(w, frames) for w in windows], axis=1)),
            gaze=_gaze([t.places for t in targets], windows, frames),
        )

    def _mel(self, audio: Audio, frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """[80, 2 frames]: with silence after the audio as the engine pads, or with zeros as faster-whisper does."""
        samples = frames * SAMPLE_RATE_HZ // FRAMES_PER_S
        if rng.random() < SILENCE_SHARE:
            audio = np.pad(audio, (0, max(0, samples - len(audio))))
        mel = self._features(audio)[:, : 2 * frames]
        if rng.random() < OTHER_THROAT_SHARE:
            mel = warp(mel, factor=float(rng.uniform(*THROATS)))
        return np.pad(mel, ((0, 0), (0, 2 * frames - mel.shape[1])))

    def _frame_classes(self, window: Window, frames: int) -> NDArray[np.int64]:
        """[synthesizers, frames]: the phoneme of each frame, where its synthesizer tells."""
        classes = np.full((len(SYNTHESIZERS), frames), IGNORED)
        for row, kind in enumerate(SYNTHESIZERS):
            if window.synthesizer in (kind, "none"):
                classes[row, : int(window.seconds * FRAMES_PER_S)] = 0
        if window.synthesizer != "none":
            row = SYNTHESIZERS.index(window.synthesizer)
            for mark in window.phones:
                start, end = (round(t * FRAMES_PER_S) for t in (mark.start_s, mark.end_s))
                classes[row, start:end] = self._phones.number(window.synthesizer, mark.label)
        return classes


def warp(mel: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Mel bands [80, frames] of the same words from a throat whose resonances lie `factor` times as high."""
    return _warping(round(factor, 2)) @ mel


@cache
def _warping(factor: float) -> NDArray[np.float32]:
    """[80, 80]: how much of each band goes to which; what would come from above the highest band is that band's."""
    filters = FeatureExtractor(feature_size=MEL_BANDS).mel_filters
    centres = filters @ np.linspace(0, SAMPLE_RATE_HZ / 2, filters.shape[1]) / filters.sum(axis=1)
    source = np.interp(centres / factor, centres, np.arange(MEL_BANDS))
    return np.maximum(0, 1 - np.abs(source[:, None] - np.arange(MEL_BANDS))).astype(np.float32)


def _weight(item: Recording, home: frozenset[str]) -> float:
    at_home = 1.0 if home.issuperset(item.text.split()) else AWAY_SHARE
    lengthy = LENGTHY_SHARE if item.seconds > LENGTHY_S else 1.0
    return at_home * lengthy * (1.0 if item.voice.startswith("flite") else ESPEAK_SHARE)


def _take(draw: Draw, kind: float, rng: np.random.Generator) -> list[Recording]:
    if kind > JOINED_SHARE:
        return [draw()]
    taken = [draw() for _ in range(int(rng.integers(2, 7)))]
    while len(taken) > 1 and sum(r.seconds for r in taken) > 12:
        taken.pop()
    return [r for r in taken if r.voice.startswith("flite") == taken[0].voice.startswith("flite")]


def _groups(windows: Sequence[Window], batch_s: float) -> Iterator[list[Window]]:
    """Neighbours that together, padded to the longest, last about `batch_s`."""
    group: list[Window] = []
    for window in windows:
        if group and (len(group) + 1) * window.seconds > batch_s:
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])


def _gaze(places: Sequence[Sequence[Place | None]], windows: Sequence[Window], frames: int) -> torch.Tensor:
    """[n, tokens, 2]: the frames that each label is spoken in, the end not included; -1, -1 for none."""
    gaze = torch.full((len(places), max(map(len, places)), 2), -1)
    for row, (found, window) in enumerate(zip(places, windows, strict=True)):
        for column, part in enumerate(found):
            if part:
                gaze[row, column] = _frame_span(window.words[part.word], part, frames)
    return gaze


def _frame_span(word: Mark, part: Place, frames: int) -> torch.Tensor:
    start_s, end_s = (word.start_s + share * (word.end_s - word.start_s) for share in (part.start, part.end))
    start = min(frames - 1, int(start_s * FRAMES_PER_S))
    return torch.tensor((start, min(frames, max(start + 1, round(end_s * FRAMES_PER_S)))))
