"""The voice's network: phoneme ids -> lengths, pitch and two spectral envelopes (harmonic and noise)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from training.voice.flite import SAMPLE_RATE_HZ
from training.voice.synthesis import BINS

SYMBOLS = 256
ENVELOPE_POINTS = 64
LOUDEST = 4.0
"""Upper limit of a log envelope."""

_MEAN_LOG_PITCH = math.log(170.0)
_PITCH_SPAN = 0.2
_POSITION_FEATURES = 4
_EDGE_FRAMES = 4.0


@dataclass(frozen=True)
class Sound:
    """Per frame: log pitch [B, F] and the log envelopes of harmonics and noise [B, F, BINS]."""

    log_pitch: Tensor
    harmonic: Tensor
    noise: Tensor


def mel_interpolation() -> Tensor:
    """[ENVELOPE_POINTS, BINS]: points evenly spaced in mel, drawn straight to the bins of the spectrum."""
    bins_mel = torch.log10(1 + torch.linspace(0, SAMPLE_RATE_HZ / 2, BINS) / 700)
    place = bins_mel / bins_mel[-1] * (ENVELOPE_POINTS - 1)
    points = torch.arange(ENVELOPE_POINTS)[:, None]
    return torch.clamp(1 - (place - points).abs(), min=0.0)


def place_in_phoneme(frame: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Where a frame lies in its phoneme: share passed, nearness of both ends, length [..., 4]."""
    passed = frame - start
    near_start, near_end = torch.exp(-passed / _EDGE_FRAMES), torch.exp(-(length - 1 - passed) / _EDGE_FRAMES)
    return torch.stack([(passed + 0.5) / length, near_start, near_end, torch.log(length) / 3], -1)


class Block(nn.Module):
    """A ConvNeXt block over time, [B, T, width] -> [B, T, width]."""

    def __init__(self, width: int, *, reach: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 2 * reach + 1, padding=reach, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand, self.contract = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        mixed = self.mix((x * mask).transpose(1, 2)).transpose(1, 2)
        return x + self.dropout(self.contract(functional.silu(self.expand(self.norm(mixed)))))


class Voice(nn.Module):
    """Encoder over phonemes (with a length for each) and decoder over frames."""

    mel: Tensor

    def __init__(self, *, width: int = 160, encoder_blocks: int = 3, decoder_blocks: int = 5) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, width)
        self.encoder = nn.ModuleList(Block(width, dropout=0.1) for _ in range(encoder_blocks))
        self.context = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.length = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.enter = nn.Linear(width + _POSITION_FEATURES, width)
        self.decoder = nn.ModuleList(Block(width) for _ in range(decoder_blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, 1 + 2 * ENVELOPE_POINTS)
        self.register_buffer("mel", mel_interpolation())
        self._start_quiet()

    def _start_quiet(self) -> None:
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        nn.init.constant_(self.leave.bias[1:], -6.0)

    def encode(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """ids [B, T] and mask [B, T] -> features [B, T, width] and log(1 + frames) of each phoneme [B, T]."""
        x = self.embedding(ids)
        for block in self.encoder:
            x = block(x, mask[..., None])
        x = x + self._in_context(x, mask)
        return x, self.length(x)[..., 0]

    def _in_context(self, x: Tensor, mask: Tensor) -> Tensor:
        if not self.training and x.shape[0] == 1:
            return self.context(x)[0]
        packed = pack_padded_sequence(x, mask.sum(1).long(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.context(packed)[0], batch_first=True, total_length=x.shape[1])[0]

    def decode(self, features: Tensor, owner: Tensor, place: Tensor, mask: Tensor) -> Sound:
        """Features [B, T, width], each frame's phoneme [B, F] and place in it [B, F, 4], mask [B, F]."""
        owned = torch.gather(features, 1, owner[..., None].expand(-1, -1, features.shape[2]))
        y = self.enter(torch.cat([owned, place], -1))
        for block in self.decoder:
            y = block(y, mask[..., None])
        pitch, harmonic, noise = torch.split(self.leave(self.norm(y)), [1, ENVELOPE_POINTS, ENVELOPE_POINTS], -1)
        return Sound(
            log_pitch=pitch[..., 0] * _PITCH_SPAN + _MEAN_LOG_PITCH,
            harmonic=torch.clamp(harmonic @ self.mel, max=LOUDEST),
            noise=torch.clamp(noise @ self.mel, max=LOUDEST),
        )
