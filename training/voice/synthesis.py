"""Sound from pitch and spectral envelopes: pulses and white noise through minimum-phase filters.

Every operation exists in ONNX opset 17 (no FFT operator, no unfold), so the same code trains and runs inside the voice.
Frames are 128 samples (8 ms); the spectrum of a frame is taken over the 512 samples around its middle.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.voice.corpus import HOP
from training.voice.flite import SAMPLE_RATE_HZ

FFT_SIZE = 4 * HOP
BINS = FFT_SIZE // 2 + 1
BEFORE = (FFT_SIZE - HOP) // 2
"""Samples of a frame's spectrum that lie before the frame."""
NOISE_MEDIAN = 0.09
"""Median magnitude of white noise of variance 1 in `magnitudes` with the long window."""

_HIGHEST_HARMONIC_HZ = 7600.0


def overlapping(signal: Tensor, frames: int) -> Tensor:
    """[B, (frames + 3) * HOP] -> [B, frames, FFT_SIZE], each frame HOP samples after the last."""
    blocks = signal.view(signal.shape[0], -1, HOP)
    return torch.cat([blocks[:, shift : shift + frames] for shift in range(4)], -1)


def magnitudes(signal: Tensor, frames: int, *, size: int) -> Tensor:
    """Hann-windowed spectrum [B, frames, size // 2 + 1] in which a harmonic of amplitude 1 peaks at 1."""
    margin = (FFT_SIZE - size) // 2
    window = torch.hann_window(size)
    centred = overlapping(signal, frames)[..., margin : margin + size]
    return torch.fft.rfft(centred * window).abs() / (size / 4)


def pulse_train(pitch_hz: Tensor) -> Tensor:
    """All harmonics of a pitch given per frame [B, frames], each of amplitude 1: [B, (frames + 3) * HOP].

    Starts `BEFORE` samples ahead of the first frame and ends as far behind the last.
    """
    first, last = pitch_hz[:, :1], pitch_hz[:, -1:]
    around = torch.cat([first, first, pitch_hz, last, last], 1)
    left, right = around[:, :-1, None], around[:, 1:, None]
    phase = _phase(left, right)
    harmonics = torch.floor(_HIGHEST_HARMONIC_HZ / torch.maximum(left, right))
    return _cosine_sum(phase, harmonics).reshape(pitch_hz.shape[0], -1)


def _phase(left: Tensor, right: Tensor) -> Tensor:
    """Cycles in [-0.5, 0.5) at every sample while the pitch glides from left to right over one hop."""
    cycles = (left + right) * (HOP / 2 / SAMPLE_RATE_HZ)
    start = torch.cumsum(cycles, 1) - cycles
    sample = torch.arange(HOP, dtype=torch.float32)
    glide = (left * sample + (right - left) * sample * sample / (2 * HOP)) / SAMPLE_RATE_HZ
    phase = start - torch.floor(start) + glide
    return phase - torch.floor(phase + 0.5)


def _cosine_sum(phase: Tensor, harmonics: Tensor) -> Tensor:
    """cos(1 p) + … + cos(n p), in closed form (Dirichlet's kernel)."""
    half = torch.sin(math.pi * phase)
    at_peak = half.abs() < 1e-3
    divisor = 2 * torch.where(at_peak, torch.ones_like(half), half)
    return torch.where(at_peak, harmonics, torch.sin(math.pi * (2 * harmonics + 1) * phase) / divisor - 0.5)


class Vocoder(nn.Module):
    """Filters pulses and noise frame by frame and overlaps the pieces.

    The tables are made from `samples` and `bins` when a session starts, so the ONNX file need not carry them.
    """

    samples: Tensor
    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("samples", torch.arange(FFT_SIZE).float())
        self.register_buffer("bins", torch.arange(BINS).float())

    def forward(
        self, pitch_hz: Tensor, harmonic: Tensor, noise: Tensor, *, noise_level: Tensor | float, gain: float
    ) -> Tensor:
        """Pitch [B, frames] in Hz and two log envelopes [B, frames, BINS] -> audio [B, frames * HOP] in [-1, 1]."""
        pulses = pulse_train(pitch_hz)
        white = torch.randn_like(pulses) * (noise_level / NOISE_MEDIAN)
        cosine, sine = self._transform()
        real, imaginary = self._filtered(pulses, harmonic, cosine, sine)
        noise_real, noise_imaginary = self._filtered(white, noise, cosine, sine)
        weight = self._weight()
        pieces = ((real + noise_real) * weight) @ cosine.T - ((imaginary + noise_imaginary) * weight) @ sine.T
        return self._faded(gain * self._overlap_add(pieces * self._taper()))

    def _transform(self) -> tuple[Tensor, Tensor]:
        """Cosines and sines [FFT_SIZE, BINS] of the Fourier transform."""
        angle = torch.fmod(self.samples[:, None] * self.bins, FFT_SIZE) * (2 * math.pi / FFT_SIZE)
        return torch.cos(angle), torch.sin(angle)

    def _at_edge(self) -> Tensor:
        return (self.bins == 0) | (self.bins == BINS - 1)

    def _weight(self) -> Tensor:
        """What each bin of a real signal's half spectrum counts in the inverse transform."""
        return torch.where(self._at_edge(), 1.0, 2.0) / FFT_SIZE

    def _filtered(self, excitation: Tensor, log_gain: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
        """Spectra of the two hops around each frame's middle, filtered."""
        blocks = excitation.view(excitation.shape[0], -1, HOP)
        window = 0.5 - 0.5 * torch.cos(math.pi / HOP * self.samples[: 2 * HOP])
        middle = torch.cat([blocks[:, 1:-2], blocks[:, 2:-1]], -1) * window
        inside = slice(HOP // 2, HOP // 2 + 2 * HOP)
        real, imaginary = middle @ cosine[inside], -(middle @ sine[inside])
        amount, phase = torch.exp(log_gain), self._minimum_phase(log_gain, cosine, sine)
        across, along = amount * torch.sin(phase), amount * torch.cos(phase)
        return real * along - imaginary * across, real * across + imaginary * along

    def _minimum_phase(self, log_gain: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """The phase of the causal filter with this gain, through the real cepstrum."""
        cepstrum = (log_gain * self._weight()) @ cosine[:BINS].T
        return -2 * (torch.where(self._at_edge(), 0.0, cepstrum) @ sine[:BINS])

    def _taper(self) -> Tensor:
        """Fades what rings beyond the frame, which would otherwise wrap around and hiss."""
        rise = torch.clamp(self.samples / (HOP // 2), max=1.0)
        fall = torch.clamp((self.samples - 3 * HOP) / HOP, min=0.0)
        return (0.5 - 0.5 * torch.cos(math.pi * rise)) * (0.5 + 0.5 * torch.cos(math.pi * fall))

    def _overlap_add(self, pieces: Tensor) -> Tensor:
        blocks = pieces.view(pieces.shape[0], -1, 4, HOP)
        shifted = [functional.pad(blocks[:, :, part], (0, 0, part, 3 - part)) for part in range(4)]
        return sum(shifted[1:], start=shifted[0]).reshape(pieces.shape[0], -1)[:, BEFORE:-BEFORE]

    def _faded(self, audio: Tensor) -> Tensor:
        """Nothing at the very ends, so pieces can be joined without a click; never above full scale."""
        ramp = (self.samples[:HOP] + 0.5) / HOP
        inner = torch.ones_like(audio[:, HOP:-HOP])
        fade = torch.cat([ramp.expand(audio.shape[0], -1), inner, ramp.flip(0).expand(audio.shape[0], -1)], 1)
        return torch.clamp(audio, -1.0, 1.0) * fade
