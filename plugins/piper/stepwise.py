"""A voice in two halves as Piper's own class, and its clauses cut to the speech in them, piece by piece."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig

from plugins.audio import Float
from plugins.piper.audio import FADE_S, LEAD_IN_S, LEAD_OUT_S
from plugins.piper.split import Sounding

Int64 = NDArray[np.int64]


@dataclass
class StepwiseVoice(PiperVoice):
    """Piper's `synthesize` with silence of the right length in place of the audio, whose latents are kept.

    `session` is the first half. One object speaks one clause.
    """

    sounding: Sounding | None = None
    latents: list[Float] = field(default_factory=list[Float])

    def phoneme_ids_to_audio(
        self, phoneme_ids: list[int], syn_config: SynthesisConfig | None = None, include_alignments: bool = False
    ) -> tuple[Float, Int64]:
        """Silence as long as the speech, and the samples of each id."""
        assert self.sounding
        made = self.session.run(None, self._inputs(phoneme_ids, syn_config or SynthesisConfig()))
        latent = np.asarray(made[0], np.float32)
        self.latents.append(latent)
        samples = np.asarray(made[1]).reshape(-1) * self.sounding.hop
        return np.zeros(latent.shape[2] * self.sounding.hop, np.float32), samples.astype(np.int64)

    def _inputs(self, phoneme_ids: list[int], settings: SynthesisConfig) -> dict[str, Any]:
        chosen = (
            (settings.noise_scale, self.config.noise_scale),
            (settings.length_scale, self.config.length_scale),
            (settings.noise_w_scale, self.config.noise_w_scale),
        )
        scales = [usual if wanted is None else wanted for wanted, usual in chosen]
        return {
            "input": np.array([phoneme_ids], np.int64),
            "input_lengths": np.array([len(phoneme_ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }

    def sound(self) -> Iterator[Float]:
        """The audio of everything spoken so far, in pieces."""
        assert self.sounding
        for latent in self.latents:
            yield from self.sounding.decode(latent)


@dataclass
class Level:
    """How loud a voice comes out of its graph: the peak to expect of the next clause."""

    peak: float = 0.0

    def hear(self, peak: float) -> None:
        """A clause had this peak; one loud clause does not make all later ones quiet for ever."""
        self.peak = max(peak, 0.9 * self.peak)


def cut_to_speech(
    pieces: Iterable[Float], *, start_s: float, end_s: float, sample_rate_hz: int, pause_s: float
) -> Iterator[Float]:
    """The part of some audio from just before its first sound to just after its last, faded, with a pause behind."""
    first = max(0, round((start_s - LEAD_IN_S) * sample_rate_hz))
    end = max(first + 1, round((end_s + LEAD_OUT_S) * sample_rate_hz))
    fade = round(FADE_S * sample_rate_hz)
    at = 0
    for piece in pieces:
        kept = piece[max(0, first - at) : max(0, end - at)]
        if kept.size:
            begins = at + max(0, first - at)
            yield kept * _ramp(begins - first, kept.size, fade) * _ramp(end - begins - kept.size, kept.size, fade)[::-1]
        at += piece.size
    yield np.zeros(round(pause_s * sample_rate_hz), np.float32)


def _ramp(distance: int, size: int, fade: int) -> Float:
    """From 0 to 1 over `fade` samples, for `size` samples that begin `distance` after its start."""
    return np.clip((distance + np.arange(size)) / max(1, fade), 0.0, 1.0).astype(np.float32)
