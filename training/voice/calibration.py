"""Two constants that training leaves open: how loud the voice is and how fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from training.voice.batches import Batch, stack
from training.voice.corpus import Example
from training.voice.model import Voice
from training.voice.synthesis import Vocoder

SPEECH_LEVEL = 0.11
"""Root mean square of speech, full scale 1: -19 dB, which leaves the peaks some 4 dB of room."""


@dataclass(frozen=True)
class Calibration:
    """Factors for the samples and for the length of every phoneme."""

    gain: float = 1.0
    pace: float = 1.0


def calibrate(voice: Voice, examples: Sequence[Example]) -> Calibration:
    """Measured, because lengths learned on a logarithmic scale come out short and the teacher's level is its own."""
    voice.eval()
    with torch.no_grad():
        batch = stack(examples)
        features, log_lengths = voice.encode(batch.ids, batch.token_mask)
        speaks = batch.token_mask * (batch.ids != 0)
        predicted = (torch.exp(log_lengths) - 1).clamp(min=0.0) * speaks
        return Calibration(
            gain=SPEECH_LEVEL / _level(voice, batch, features),
            pace=float(batch.lengths.sum() / predicted.sum()),
        )


def _level(voice: Voice, batch: Batch, features: torch.Tensor) -> float:
    sound = voice.decode(features, batch.owner, batch.place, batch.frame_mask)
    audio = Vocoder()(torch.exp(sound.log_pitch), sound.harmonic, sound.noise, noise_level=1.0, gain=1.0)
    spoken = batch.frame_mask.repeat_interleave(audio.shape[1] // batch.frames, 1) > 0
    return float(audio[spoken].square().mean().sqrt())
