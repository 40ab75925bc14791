"""How far the network is from the teacher, measured on spectra: no audio is rendered while training."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.voice.batches import Batch
from training.voice.model import Sound, Voice
from training.voice.synthesis import FFT_SIZE, magnitudes, pulse_train

_FLOOR = 3e-5
_PITCH_WEIGHT = 4.0


@dataclass(frozen=True)
class Losses:
    """Mean log spectral distance, relative magnitude error, log pitch error, squared log length error."""

    log_spectrum: Tensor
    magnitude: Tensor
    pitch: Tensor
    length: Tensor

    @property
    def total(self) -> Tensor:
        return self.log_spectrum + self.magnitude + _PITCH_WEIGHT * self.pitch + self.length

    def values(self) -> tuple[float, ...]:
        return tuple(float(part.detach()) for part in (self.log_spectrum, self.magnitude, self.pitch, self.length))


def losses(voice: Voice, batch: Batch) -> Losses:
    features, log_lengths = voice.encode(batch.ids, batch.token_mask)
    sound = voice.decode(features, batch.owner, batch.place, batch.frame_mask)
    log_spectrum, magnitude = _spectral(sound, batch)
    log_pitch = torch.log(batch.pitch_hz)
    return Losses(
        log_spectrum=log_spectrum,
        magnitude=magnitude,
        pitch=_mean((sound.log_pitch - log_pitch).abs(), batch.frame_mask),
        length=_mean((log_lengths - torch.log1p(batch.lengths)) ** 2, batch.token_mask * (batch.ids != 0)),
    )


def _spectral(sound: Sound, batch: Batch) -> tuple[Tensor, Tensor]:
    """Averages over a long window, which tells harmonics from noise, and a short one, which keeps plosives sharp."""
    pulses = pulse_train(batch.pitch_hz)
    parts = [_at_window(sound, batch, pulses, size=size) for size in (FFT_SIZE, FFT_SIZE // 2)]
    log_spectrum, magnitude = torch.stack([torch.stack(part) for part in parts]).mean(0)
    return log_spectrum, magnitude


def _at_window(sound: Sound, batch: Batch, pulses: Tensor, *, size: int) -> tuple[Tensor, Tensor]:
    step = FFT_SIZE // size
    target = magnitudes(batch.audio, batch.frames, size=size)
    harmonic = torch.exp(sound.harmonic[..., ::step]) * magnitudes(pulses, batch.frames, size=size)
    noise_power = step * torch.exp(2 * sound.noise[..., ::step])
    heard = torch.sqrt(harmonic**2 + noise_power + 1e-10)
    distance = (torch.log(heard + _FLOOR) - torch.log(target + _FLOOR)).abs().mean(-1)
    error = ((heard - target).abs().sum(-1) * batch.frame_mask).sum() / (target.sum(-1) * batch.frame_mask).sum()
    return _mean(distance, batch.frame_mask), error


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum()
