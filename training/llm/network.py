"""A small Llama, laid out as GGUF stores it (interleaved rotary pairs), so exporting permutes nothing.

Half of each head's pairs do not rotate, so that words match at any distance. The start is friendly to copying: one head
looks at the token before, one finds what followed the same token earlier, one finds the same token.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; `width` is divided among `heads`."""

    vocabulary: int
    width: int = 192
    layers: int = 3
    heads: int = 3
    hidden: int = 384
    rotary_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def rotating_pairs(self) -> int:
        return self.head_width // 4

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


class Layer(nn.Module):
    """Attention and a gated feed-forward, each behind a norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.attn_q, self.attn_k, self.attn_v, self.attn_output = (
            nn.Linear(shape.width, shape.width, bias=False) for _ in range(4)
        )
        self.ffn_gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x [batch, time, width]; cos and sin [time, pairs]."""
        normed = self.attn_norm(x)
        query, key, value = (self._split(project(normed)) for project in (self.attn_q, self.attn_k, self.attn_v))
        mixed = functional.scaled_dot_product_attention(
            rotate(query, cos, sin), rotate(key, cos, sin), value, is_causal=True
        )
        x = x + self.attn_output(mixed.transpose(1, 2).flatten(2))
        normed = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs of x [batch, heads, time, 2 · pairs] by their angles."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


class Network(nn.Module):
    """Token ids in, hidden states or logits out; the output head is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self._start()

    def hidden(self, ids: Tensor) -> Tensor:
        """ids [batch, time] to states [batch, time, width]."""
        angles = torch.outer(torch.arange(ids.shape[1]).float(), self.frequencies())
        x, cos, sin = self.token_embd(ids), angles.cos(), angles.sin()
        for layer in self.blk:
            x = layer(x, cos, sin)
        return self.output_norm(x)

    def forward(self, ids: Tensor) -> Tensor:
        """ids [batch, time] to logits [batch, time, vocabulary]."""
        return functional.linear(self.hidden(ids), self.token_embd.weight)

    def frequencies(self) -> Tensor:
        """Radians per token of each pair; those beyond `rotating_pairs` stand still."""
        frequencies = self.shape.rotary_base ** (-torch.arange(0, self.shape.head_width, 2) / self.shape.head_width)
        frequencies[self.shape.rotating_pairs :] = 0
        return frequencies

    def _start(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, 0, _spread(name, self.shape))
        start_copying(self)


def _spread(name: str, shape: Shape) -> float:
    if name.startswith("token_embd"):
        return 1.0
    closes_a_branch = "attn_output" in name or "ffn_down" in name
    return 1e-3 if closes_a_branch else 0.6 * shape.width**-0.5


@torch.no_grad()
def start_copying(network: Network, *, sharpness: float = 3.0) -> None:
    """Set three heads by hand so that repeated text is predicted at once; training may change all of it."""
    shape = network.shape
    size, pairs = shape.head_width, shape.rotating_pairs
    basis = nn.init.orthogonal_(torch.empty(shape.width, shape.width))
    basis[:, 0] = 0  # the first coordinate is the same for every token: something to hang "the one before" on
    token, before, copied = basis[:size], basis[size : 2 * size], basis[-size:]
    embedding = network.token_embd.weight
    embedding.mul_(0.6 / embedding.norm(dim=1, keepdim=True))
    embedding[:, 0] = 0.16
    network.output_norm.weight.fill_(3.0)
    _look_back_one(network.blk[0], network.frequencies()[:pairs], token, before)
    still = slice(2 * pairs, size)
    _attend(network.blk[1], head=0, still=still, query=sharpness * token[still], key=sharpness * before[still])
    network.blk[1].attn_v.weight[:size] = copied
    network.blk[1].attn_output.weight[:, :size] = copied.T * 0.5
    _attend(network.blk[0], head=1, still=still, query=sharpness * token[still], key=sharpness * token[still])


def _look_back_one(layer: Layer, frequencies: Tensor, token: Tensor, before: Tensor) -> None:
    """Head 0 attends to the previous token and writes what it is where later heads read `before`."""
    size, half = len(token), len(frequencies) // 2
    layer.attn_q.weight[:size] = 0
    layer.attn_k.weight[:size] = 0
    layer.attn_q.weight[0 : 2 * half : 2, 0] = 1
    layer.attn_k.weight[0 : 2 * half : 2, 0] = frequencies[:half].cos()
    layer.attn_k.weight[1 : 2 * half : 2, 0] = frequencies[:half].sin()
    layer.attn_v.weight[:size] = token
    layer.attn_output.weight[:, :size] = before.T * 0.15


def _attend(layer: Layer, *, head: int, still: slice, query: Tensor, key: Tensor) -> None:
    """Make a head compare what stands still: `query` and `key` are [pairs that do not rotate · 2, width]."""
    size = layer.attn_q.weight.shape[0] // layer.heads
    rows = slice(head * size, (head + 1) * size)
    layer.attn_q.weight[rows] = 0
    layer.attn_k.weight[rows] = 0
    layer.attn_q.weight[rows][still] = query
    layer.attn_k.weight[rows][still] = key
