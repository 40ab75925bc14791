"""Pulses and noise, filtered: what a microphone would measure."""

import math

import pytest
import torch

from training.voice.corpus import HOP
from training.voice.flite import SAMPLE_RATE_HZ
from training.voice.model import mel_interpolation
from training.voice.synthesis import BINS, FFT_SIZE, NOISE_MEDIAN, Vocoder, magnitudes, pulse_train

FRAMES = 40
SILENT = -20.0


def envelope(log_gain: float) -> torch.Tensor:
    return torch.full((1, FRAMES, BINS), log_gain)


def speak(*, pitch_hz: float = 125.0, harmonic: float = SILENT, noise: float = SILENT) -> torch.Tensor:
    pitch = torch.full((1, FRAMES), pitch_hz)
    return Vocoder()(pitch, envelope(harmonic), envelope(noise), noise_level=1.0, gain=1.0)[0]


def test_each_harmonic_of_the_pulses_peaks_at_one() -> None:
    spectrum = magnitudes(pulse_train(torch.full((1, FRAMES), 250.0)), FRAMES, size=FFT_SIZE)[0, 10]
    peaks = spectrum[[round(order * 250 * FFT_SIZE / SAMPLE_RATE_HZ) for order in range(1, 20)]]
    assert peaks.tolist() == pytest.approx([1.0] * 19, abs=0.02)


def test_a_voiced_sound_has_the_pitch_it_was_given() -> None:
    audio = speak(pitch_hz=160.0, harmonic=math.log(0.01))[HOP:-HOP]
    correlation = [float((audio[lag:] * audio[:-lag]).mean()) for lag in range(60, 160)]
    assert 60 + correlation.index(max(correlation)) == pytest.approx(SAMPLE_RATE_HZ / 160, abs=1)


def test_noise_is_as_loud_as_its_envelope_says() -> None:
    torch.manual_seed(3)
    level = speak(noise=math.log(0.05) + math.log(NOISE_MEDIAN))[HOP:-HOP].square().mean().sqrt()
    assert float(level) == pytest.approx(0.05, rel=0.1)


def test_a_flat_filter_passes_the_pulses_unchanged() -> None:
    audio = speak(pitch_hz=200.0, harmonic=math.log(0.02))
    spectrum = torch.fft.rfft(audio[HOP : HOP + 4000] * torch.hann_window(4000)).abs() / 1000
    assert [float(spectrum[50 * order]) for order in (1, 5, 20, 30)] == pytest.approx([0.02] * 4, rel=0.05)


def test_pieces_begin_and_end_in_silence_and_stay_within_full_scale() -> None:
    audio = speak(harmonic=2.0)
    assert len(audio) == FRAMES * HOP
    assert float(audio.abs().max()) <= 1.0
    assert float(audio[[0, -1]].abs().max()) < 0.05


def test_every_bin_is_drawn_from_its_two_neighbouring_points() -> None:
    table = mel_interpolation()
    assert table.sum(0).tolist() == pytest.approx([1.0] * BINS, abs=1e-4)
    assert int((table > 0).sum(0).max()) == 2
