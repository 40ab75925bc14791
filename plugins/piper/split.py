"""A voice in two halves: what is said at once, and how it sounds piece by piece.

A VITS voice first makes a latent for every frame of a clause, which is quick, and then samples of it, which is not. The
second half looks only at a few frames around each sample; so it can run over stretches of frames with a margin on both
sides, and what it gives is sample for sample what it would have given at once. How wide the margin must be is found
out on the voice itself; a voice that is made otherwise has no halves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from plugins.audio import Float

MARGINS_FRAMES = (8, 12, 16, 24, 32)
EXACT = 1e-3
"""Largest difference, as a share of the peak, that counts as none."""
TRIAL_FRAMES = 96
FIRST_FRAMES = 24
GROWTH = 2
LONGEST_FRAMES = 192


@dataclass(frozen=True)
class Halves:
    """Two graphs: ids to latent and durations, latent to audio; and the names of what passes between."""

    speaking: onnx.ModelProto
    sounding: onnx.ModelProto
    width: int
    """Numbers in a frame of the latent."""


def halve(model: onnx.ModelProto) -> Halves | None:
    """Cut a voice before the convolution that feeds its first upsampling; `None` if it is built in another way."""
    made_by = {output: node for node in model.graph.node for output in node.output}
    entry, durations = _entry(model, made_by), _durations(model)
    weights = {weight.name: weight for weight in model.graph.initializer}
    if entry is None or durations is None or entry.input[1] not in weights:
        return None
    latent, width = entry.input[0], weights[entry.input[1]].dims[1]
    audio = model.graph.output[0].name
    sounding = _nodes_before([audio], made_by, stop=latent)
    if sounding is None or any(name in _inputs(model) for node in sounding for name in node.input):
        return None
    speaking = _nodes_before([latent, durations], made_by, stop=None) or []
    return Halves(
        speaking=_graph(model, speaking, inputs=list(model.graph.input), outputs=[latent, durations]),
        sounding=_graph(model, sounding, inputs=[_tensor(latent)], outputs=[audio]),
        width=width,
    )


def _inputs(model: onnx.ModelProto) -> set[str]:
    return {value.name for value in model.graph.input}


def _entry(model: onnx.ModelProto, made_by: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """The last convolution before the first upsampling."""
    node = next((node for node in model.graph.node if node.op_type == "ConvTranspose"), None)
    while node is not None:
        node = made_by.get(node.input[0]) if node.input else None
        if node is not None and node.op_type == "Conv":
            return node
    return None


def _durations(model: onnx.ModelProto) -> str | None:
    found = [node.output[0] for node in model.graph.node if node.op_type == "Ceil"]
    return found[0] if len(found) == 1 else None


def _nodes_before(
    outputs: Iterable[str], made_by: dict[str, onnx.NodeProto], *, stop: str | None
) -> list[onnx.NodeProto] | None:
    """The nodes that `outputs` need, in their order in the graph, not looking behind `stop`."""
    wanted, needed = list(outputs), set[str]()
    while wanted:
        name = wanted.pop()
        node = made_by.get(name)
        if name == stop or node is None or node.output[0] in needed:
            continue
        needed.add(node.output[0])
        wanted += node.input
    return [node for node in made_by.values() if node.output[0] in needed] or None


def _tensor(name: str) -> Any:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)


def _graph(model: onnx.ModelProto, nodes: list[onnx.NodeProto], *, inputs: list[Any], outputs: list[str]) -> Any:
    unique = list({id(node): node for node in nodes}.values())
    used = {name for node in unique for name in node.input}
    weights = [weight for weight in model.graph.initializer if weight.name in used]
    graph = helper.make_graph(unique, "half", inputs, [_tensor(name) for name in outputs], weights)
    half = helper.make_model(graph, opset_imports=list(model.opset_import))
    half.ir_version = model.ir_version
    return half


class Sounding:
    """The second half: latents [1, width, frames] to audio in [-1, 1], `hop` samples a frame.

    Raises `ValueError` if no margin makes pieces equal to the whole.
    """

    def __init__(self, session: onnxruntime.InferenceSession, *, width: int) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        trial = np.random.default_rng(0).standard_normal((1, width, TRIAL_FRAMES)).astype(np.float32)
        whole = self._run(trial)
        self.hop, rest = divmod(whole.size, TRIAL_FRAMES)
        if rest:
            raise ValueError("a frame is no whole number of samples")
        self.margin = self._find_margin(trial, whole)

    def _find_margin(self, trial: Float, whole: Float) -> int:
        peak = float(np.abs(whole).max())
        for margin in MARGINS_FRAMES:
            pieces = np.concatenate(list(self._pieces(trial, margin)))
            if float(np.abs(pieces - whole).max()) <= EXACT * peak:
                return margin
        raise ValueError("its pieces do not fit together")

    def decode(self, latent: Float) -> Iterator[Float]:
        """The audio of a latent: a short piece first, longer ones later."""
        yield from self._pieces(latent, self.margin)

    def _pieces(self, latent: Float, margin: int) -> Iterator[Float]:
        frames, start, size = latent.shape[2], 0, FIRST_FRAMES
        while start < frames:
            end = frames if start + size + margin >= frames else start + size
            first = max(0, start - margin)
            audio = self._run(latent[:, :, first : min(frames, end + margin)])
            hop = audio.size // (min(frames, end + margin) - first)
            yield audio[(start - first) * hop : (end - first) * hop]
            start, size = end, min(LONGEST_FRAMES, size * GROWTH)

    def _run(self, latent: Float) -> Float:
        (audio,) = self._session.run(None, {self._input: latent})
        return np.asarray(audio, np.float32).reshape(-1)
