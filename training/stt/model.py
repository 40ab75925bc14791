"""A small Whisper in PyTorch, in the layout that CTranslate2's converter reads.

Besides the logits it gives what training supervises: the phoneme of every 20 ms frame, and where one
head of each decoder layer looks.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BANDS = 80
AUDIO_POSITIONS = 1500
TEXT_POSITIONS = 448
GUIDED_HEAD = 0


@dataclass(frozen=True)
class Shape:
    """The size of the network."""

    vocabulary: int
    width: int = 160
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 4


@dataclass(frozen=True)
class Output:
    """`logits` [batch, tokens, vocabulary]; `frames` [batch, frames, width]; `gaze` [batch, tokens, frames] each."""

    logits: Tensor
    frames: Tensor
    gaze: tuple[Tensor, ...]


class Positions(nn.Module):
    """A table of one vector for each position."""

    def __init__(self, table: Tensor, *, learned: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(table, requires_grad=learned)


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's fixed encoder positions [length, width]."""
    step = math.log(10_000) / (width // 2 - 1)
    scaled = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([scaled.sin(), scaled.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention of [batch, n, width] on [batch, m, width]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.out_proj = nn.Linear(shape.width, shape.width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _project(self, x: Tensor, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self._split(self.q_proj(x)), self._split(self.k_proj(source)), self._split(self.v_proj(source))

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        query, key, value = self._project(x, x)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))

    def look(self, x: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to `source`; also the weights of the guided head, [batch, n, m]."""
        query, key, value = self._project(x, source)
        weights = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(-1)
        mixed = weights @ value
        return self.out_proj(mixed.transpose(1, 2).flatten(2)), weights[:, GUIDED_HEAD]


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward network, each on normalised input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, 4 * shape.width)
        self.fc2 = nn.Linear(4 * shape.width, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return self.feed_forward(x)

    def feed_forward(self, x: Tensor) -> Tensor:
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))


class DecoderLayer(EncoderLayer):
    """Causal self-attention, attention to the audio, feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder_attn = Attention(shape)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)

    def decode(self, x: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """`x` after this layer, and where its guided head looked."""
        x = x + self.self_attn(self.self_attn_layer_norm(x), causal=True)
        heard, gaze = self.encoder_attn.look(self.encoder_attn_layer_norm(x), frames)
        return self.feed_forward(x + heard), gaze


class Encoder(nn.Module):
    """Log-mel [batch, 80, 2 n] → frames [batch, n, width]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MEL_BANDS, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.embed_positions = Positions(sinusoids(AUDIO_POSITIONS, shape.width), learned=False)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, mel: Tensor) -> Tensor:
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    """Token ids [batch, tokens] and frames → hidden [batch, tokens, width]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = Positions(0.3 * sinusoids(TEXT_POSITIONS, shape.width), learned=True)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor, frames: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        gazes: list[Tensor] = []
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            x, gaze = layer.decode(x, frames)
            gazes.append(gaze)
        return self.layer_norm(x), tuple(gazes)


class Whisper(nn.Module):
    """The whole network; input and output embeddings are one table."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        nn.init.normal_(self.decoder.embed_tokens.weight, std=0.05)

    def forward(self, mel: Tensor, tokens: Tensor) -> Output:
        return self.decode(self.encoder(mel), tokens)

    def decode(self, frames: Tensor, tokens: Tensor) -> Output:
        """Logits for `tokens` read so far, given the encoder's frames."""
        hidden, gaze = self.decoder(tokens, frames)
        return Output(hidden @ self.decoder.embed_tokens.weight.T, frames, gaze)

    def parameter_count(self) -> int:
        """Numbers that were learned."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
