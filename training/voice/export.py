"""Writes the trained voice as Piper loads it: NAME.onnx (audio and phoneme lengths) and NAME.onnx.json."""

import json
import tempfile
import warnings
from collections.abc import Set
from pathlib import Path

import torch
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
from torch import Tensor, nn

from training.voice.calibration import Calibration
from training.voice.corpus import ESPEAK_VOICE, HOP
from training.voice.flite import SAMPLE_RATE_HZ
from training.voice.model import SYMBOLS, Sound, Voice, place_in_phoneme
from training.voice.synthesis import Vocoder

PAD_ID = 0
NATURAL_NOISE = 0.667
"""Piper's usual `noise_scale`; at this value the noise is as loud as the teacher's."""

LANGUAGE = {
    "code": "en_US",
    "family": "en",
    "region": "US",
    "name_native": "English",
    "name_english": "English",
    "country_english": "United States",
}

_LENGTH_SPREAD = 0.15
_SIMILAR = ";=, :=, ɒ=ɑ ɝ=ɜ g=ɡ r=ɹ ε=ɛ x=k ɫ=l y=i ø=ɜ œ=ɜ ʁ=ɹ β=v ɲ=n e=ɛ o=ɔ a=ɑ c=k ç=ʃ ɬ=l ʍ=w ʉ=u ɱ=m q=k"
_SPOKEN_LIKE = dict(pair.split("=") for pair in _SIMILAR.split())
"""Phonemes that no training sentence may have contained, and what the voice says for them."""


class PiperGraph(nn.Module):
    """The whole voice with Piper's inputs; `noise_scale`, `length_scale` and `noise_w` are the three `scales`."""

    def __init__(self, voice: Voice, calibration: Calibration) -> None:
        super().__init__()
        self.voice, self.vocoder, self.calibration = voice, Vocoder(), calibration

    def forward(self, input: Tensor, input_lengths: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
        """ids int64 [1, T], [1], float [3] -> audio [1, 1, 1, samples], frames per id [1, T]."""
        mask = (torch.arange(input.shape[1]) < input_lengths[:, None]).float()
        features, log_lengths = self.voice.encode(input, mask)
        lengths = self._whole_frames(log_lengths, mask * (input != PAD_ID), scales)
        owner, place = _unroll(lengths)
        sound = self.voice.decode(features, owner, place, torch.ones_like(owner).float())
        return self._render(sound, noise_level=scales[0] / NATURAL_NOISE)[:, None, None], lengths

    def _render(self, sound: Sound, *, noise_level: Tensor) -> Tensor:
        pitch_hz = torch.exp(sound.log_pitch)
        return self.vocoder(pitch_hz, sound.harmonic, sound.noise, noise_level=noise_level, gain=self.calibration.gain)

    def _whole_frames(self, log_lengths: Tensor, speaks: Tensor, scales: Tensor) -> Tensor:
        """Piper finds the phoneme lengths by looking for the graph's only Ceil, so nothing may change them after it."""
        spread = torch.exp(_LENGTH_SPREAD * scales[2] * torch.randn_like(log_lengths))
        lengths = (torch.exp(log_lengths) - 1) * (scales[1] * self.calibration.pace) * spread
        return torch.ceil(torch.clamp(lengths - 0.5, min=0.0) * speaks)


def _unroll(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Phoneme lengths [1, T] -> for each frame its phoneme [1, F] and its place there [1, F, 4]."""
    ends = torch.cumsum(lengths, 1)
    frame = torch.arange(torch.clamp(ends[0, -1], min=2.0).long()).float()[None]
    passed = (frame[..., None] >= ends[:, None]).long().sum(-1)
    owner = torch.clamp(passed, max=lengths.shape[1] - 1)
    length = torch.clamp(torch.gather(lengths, 1, owner), min=1.0)
    return owner, place_in_phoneme(frame, torch.gather(ends, 1, owner) - length, length)


def teach_unseen(voice: Voice, *, seen: Set[int]) -> None:
    """Give every symbol that training never showed the sound of a similar one, or silence."""
    symbols = {ids[0]: symbol for symbol, ids in DEFAULT_PHONEME_ID_MAP.items()}
    with torch.no_grad():
        for unseen in set(range(SYMBOLS)) - seen - {PAD_ID}:
            like = DEFAULT_PHONEME_ID_MAP[_SPOKEN_LIKE.get(symbols.get(unseen, ""), "_")][0]
            voice.embedding.weight[unseen] = voice.embedding.weight[like if like in seen else PAD_ID]


def export(voice: Voice, path: Path, *, calibration: Calibration) -> None:
    """Write `path` (.onnx) and its JSON; the model appears whole or not at all."""
    graph = PiperGraph(voice, calibration).eval()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        partial = Path(folder, path.name)
        _trace(graph, partial)
        partial.replace(path)
    path.with_name(path.name + ".json").write_text(json.dumps(piper_config(), indent=1, ensure_ascii=False) + "\n")


def _trace(graph: PiperGraph, path: Path) -> None:
    example = (torch.randint(1, 100, (1, 50)), torch.tensor([50]), torch.tensor([NATURAL_NOISE, 1.0, 0.0]))
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is deprecated, but its successor needs one more package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            example,
            str(path),
            input_names=["input", "input_lengths", "scales"],
            output_names=["output", "lengths"],
            dynamic_axes={"input": {1: "phonemes"}, "output": {3: "time"}, "lengths": {1: "phonemes"}},
            opset_version=17,
            dynamo=False,
            do_constant_folding=False,
        )


def piper_config() -> dict[str, object]:
    return {
        "audio": {"sample_rate": SAMPLE_RATE_HZ, "quality": "x_low"},
        "espeak": {"voice": ESPEAK_VOICE},
        "inference": {"noise_scale": NATURAL_NOISE, "length_scale": 1, "noise_w": 0.0},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": SYMBOLS,
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": HOP,
        "piper_version": "1.8.0",
        "language": LANGUAGE,
        "dataset": "flite-slt",
    }
