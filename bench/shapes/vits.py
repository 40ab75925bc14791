"""The network of a Piper voice with random weights: phoneme ids in, audio out, in the sizes of the medium quality.

It has every convolution and matrix product of a real one. Left out is what costs next to nothing: attention's relative
positions, and the splines that bend the durations.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1


@dataclass(frozen=True)
class VoiceShape:
    """The sizes of one voice. `rates` are the decoder's steps from frames to samples, `pace` frames of an id."""

    symbols: int = 256
    width: int = 192
    hidden: int = 768
    heads: int = 2
    layers: int = 6
    flows: int = 4
    decoder_width: int = 256
    rates: tuple[int, ...] = (8, 8, 4)
    pace: float = 1.6

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.rates)


MEDIUM = VoiceShape()


def convolution(inputs: int, outputs: int, size: int = 1, *, dilation: int = 1, groups: int = 1) -> nn.Conv1d:
    """Over time, [batch, inputs, T] -> [batch, outputs, T]."""
    return nn.Conv1d(inputs, outputs, size, padding=(size - 1) * dilation // 2, dilation=dilation, groups=groups)


class Norm(nn.Module):
    """Layer norm over the channels of [batch, width, T]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Self-attention and a convolutional feed-forward, each added and normalised."""

    def __init__(self, shape: VoiceShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query, self.key, self.value, self.out = (convolution(shape.width, shape.width) for _ in range(4))
        self.expand, self.contract = (
            convolution(shape.width, shape.hidden, 3),
            convolution(shape.hidden, shape.width, 3),
        )
        self.after_attention, self.after_forward = Norm(shape.width), Norm(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.after_attention(x + self.out(self._attended(x)))
        return self.after_forward(x + self.contract(functional.relu(self.expand(x))))

    def _attended(self, x: Tensor) -> Tensor:
        query, key, value = (part(x).unflatten(1, (self.heads, -1)) for part in (self.query, self.key, self.value))
        weights = (query.transpose(2, 3) @ key / math.sqrt(query.shape[2])).softmax(-1)
        return (value @ weights.transpose(2, 3)).flatten(1, 2)


class Separable(nn.Module):
    """Three dilated convolutions of each channel alone, each followed by a mixing one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alone = nn.ModuleList(convolution(width, width, 3, dilation=3**n, groups=width) for n in range(3))
        self.mix = nn.ModuleList(convolution(width, width) for _ in range(3))
        self.norms = nn.ModuleList(Norm(width) for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        for number, (alone, mix) in enumerate(zip(self.alone, self.mix, strict=True)):
            y = functional.gelu(self.norms[2 * number](alone(x)))
            x = x + functional.gelu(self.norms[2 * number + 1](mix(y)))
        return x


class Durations(nn.Module):
    """Logarithms of frames, drawn: noise that three flows bend with what the encoder says. [B, W, T] -> [B, 1, T]."""

    SPLINE_NUMBERS = 29
    SPREAD = 0.1

    def __init__(self, shape: VoiceShape) -> None:
        super().__init__()
        width = shape.width
        self.pace = math.log(shape.pace)
        self.enter, self.read, self.leave = convolution(width, width), Separable(width), convolution(width, width)
        self.begins = nn.ModuleList(convolution(1, width) for _ in range(3))
        self.reads = nn.ModuleList(Separable(width) for _ in range(3))
        self.ends = nn.ModuleList(convolution(width, self.SPLINE_NUMBERS) for _ in range(3))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        condition = self.leave(self.read(self.enter(x)))
        kept, bent = noise[:, :1], noise[:, 1:]
        for begin, read, end in zip(self.begins, self.reads, self.ends, strict=True):
            kept, bent = bent + end(read(begin(kept) + condition)).mean(1, keepdim=True), kept
        return self.pace + self.SPREAD * torch.tanh(kept)


class Coupling(nn.Module):
    """Moves one half of the channels by what four gated convolutions make of the other, then swaps them."""

    LAYERS = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.enter, self.leave = convolution(width // 2, width), convolution(width, width // 2)
        self.gated = nn.ModuleList(convolution(width, 2 * width, 5) for _ in range(self.LAYERS))
        last = self.LAYERS - 1
        self.mixed = nn.ModuleList(convolution(width, 2 * width if n < last else width) for n in range(self.LAYERS))

    def forward(self, z: Tensor) -> Tensor:
        kept, moved = z.chunk(2, 1)
        return torch.cat([kept, moved - self.leave(self._read(self.enter(kept)))], 1).flip(1)

    def _read(self, x: Tensor) -> Tensor:
        skipped: Tensor | float = 0.0
        for gated, mixed in zip(self.gated, self.mixed, strict=True):
            signal, gate = gated(x).chunk(2, 1)
            y = mixed(torch.tanh(signal) * torch.sigmoid(gate))
            if y.shape[1] > self.width:
                step, y = y.chunk(2, 1)
                x = x + step
            skipped = skipped + y
        assert isinstance(skipped, Tensor)
        return skipped


class Residual(nn.Module):
    """Two dilated convolutions, each added to its input."""

    def __init__(self, width: int, size: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(convolution(width, width, size, dilation=dilation) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = x + step(functional.leaky_relu(x, SLOPE))
        return x


class Decoder(nn.Module):
    """Frames to samples in steps: [B, width, F] -> [B, 1, F * hop]."""

    RESIDUALS = ((3, (1, 2)), (5, (2, 6)), (7, (3, 12)))

    def __init__(self, shape: VoiceShape) -> None:
        super().__init__()
        widths = [shape.decoder_width >> step for step in range(len(shape.rates) + 1)]
        self.enter = convolution(shape.width, widths[0], 7)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(wide, narrow, 2 * rate, rate, padding=rate // 2)
            for wide, narrow, rate in zip(widths, widths[1:], shape.rates, strict=False)
        )
        self.residuals = nn.ModuleList(
            nn.ModuleList(Residual(width, size, dilations) for size, dilations in self.RESIDUALS)
            for width in widths[1:]
        )
        self.leave = nn.Conv1d(widths[-1], 1, 7, padding=3, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        x = self.enter(z)
        for up, residuals in zip(self.ups, self.residuals, strict=True):
            x = up(functional.leaky_relu(x, SLOPE))
            assert isinstance(residuals, nn.ModuleList)
            x = torch.stack([residual(x) for residual in residuals]).sum(0) / len(residuals)
        return torch.tanh(self.leave(functional.leaky_relu(x)))


class Voice(nn.Module):
    """The whole, with Piper's inputs: ids [1, T], their number [1], and noise, length and duration noise [3]."""

    def __init__(self, shape: VoiceShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.symbols, shape.width)
        self.encoder = nn.Sequential(*(EncoderLayer(shape) for _ in range(shape.layers)))
        self.statistics = convolution(shape.width, 2 * shape.width)
        self.durations = Durations(shape)
        self.flows = nn.Sequential(*(Coupling(shape.width) for _ in range(shape.flows)))
        self.decoder = Decoder(shape)

    def forward(self, input: Tensor, input_lengths: Tensor, scales: Tensor) -> Tensor:
        mask = (torch.arange(input.shape[1]) < input_lengths[:, None]).float()[:, None]
        x = self.encoder(self.embedding(input).transpose(1, 2) * mask)
        mean, log_deviation = self.statistics(x).chunk(2, 1)
        noise = torch.randn(1, 2, input.shape[1]) * scales[2]
        frames = torch.ceil(torch.exp(self.durations(x, noise)) * mask * scales[1])
        owner = _owners(frames)
        mean, log_deviation = mean @ owner, log_deviation @ owner
        z = mean + torch.randn_like(mean) * torch.exp(log_deviation) * scales[0]
        return self.decoder(self.flows(z))[:, None]


def _owners(frames: Tensor) -> Tensor:
    """Which id [T] each frame [F] belongs to, as ones in a matrix [1, T, F]."""
    ends = torch.cumsum(frames[:, 0], 1)
    count: Any = torch.clamp(ends[0, -1], min=1.0).long()  # as a tensor, which tracing does not take for a constant
    frame = torch.arange(count).float()
    begins = (ends - frames[:, 0])[..., None]
    return ((frame >= begins) & (frame < ends[..., None])).float()
