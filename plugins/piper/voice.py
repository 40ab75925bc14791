"""Load a Piper voice with a fixed number of threads, and read phoneme groups from what it says."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore[reportAttributeAccessIssue] -- a binary module
from piper import PiperConfig, PiperVoice
from piper.patch_voice_with_alignment import add_alignment_output
from piper.voice import AudioChunk

from plugins.errors import DeviceMissing, ModelCorrupt, ModelMissing
from plugins.piper.split import Sounding, halve
from plugins.piper.stepwise import StepwiseVoice
from plugins.piper.timing import Group

NOT_PHONEMES = frozenset("^$_ .,;:!?\"'()[]{}-–—ˈˌː")
"""Beginning, end, pad, space, punctuation; and stress and length marks, which take no time of their own."""

ON_CPU, ON_CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

VOICE_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.InvalidArgument,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


@dataclass(frozen=True)
class Opening:
    """How graphs are opened."""

    threads: int
    providers: list[str]

    def open(self, model: str | bytes) -> onnxruntime.InferenceSession:
        """A graph in a file or in memory. Raises one of `VOICE_ERRORS`."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(model, options, providers=self.providers)


def load_voice(path: Path, *, threads: int, device: str) -> PiperVoice:
    """The voice in `path` (ONNX) and `path` + `.json`, on `cpu` or `cuda`.

    Raises `ModelMissing` or `ModelCorrupt` naming the file, or `DeviceMissing`.
    """
    config_path = Path(f"{path}.json")
    for file in (path, config_path):
        if not file.is_file():
            raise ModelMissing(file)
    try:
        config = PiperConfig.from_dict(json.loads(config_path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelCorrupt(config_path, f"{type(error).__name__}: {error}") from error
    opening = Opening(threads, _providers(device))
    try:
        return _stepwise(path, config, opening) or PiperVoice(session=_session(path, opening), config=config)
    except VOICE_ERRORS as error:
        raise ModelCorrupt(path, str(error).splitlines()[0]) from error


def _providers(device: str) -> list[str]:
    if device == "cpu":
        return [ON_CPU]
    if ON_CUDA not in onnxruntime.get_available_providers():
        raise DeviceMissing("voice", device, "this ONNX Runtime was built without it; the package is onnxruntime-gpu")
    return [ON_CUDA, ON_CPU]


def _session(path: Path, opening: Opening) -> onnxruntime.InferenceSession:
    session = opening.open(str(path))
    if len(session.get_outputs()) == 1 and (patched := _with_alignments(path)):
        session = opening.open(patched)
    return session


def _stepwise(path: Path, config: PiperConfig, opening: Opening) -> StepwiseVoice | None:
    """The voice in two halves, if it has them and its pieces fit together."""
    try:
        halves = halve(onnx.load(str(path))) if config.num_speakers <= 1 else None
    except DecodeError:
        return None  # opening it as a whole says what is wrong
    if halves is None:
        return None
    try:
        sounding = Sounding(opening.open(halves.sounding.SerializeToString()), width=halves.width)
    except ValueError:
        return None
    speaking = opening.open(halves.speaking.SerializeToString())
    return StepwiseVoice(session=speaking, config=config, sounding=sounding)


def _with_alignments(path: Path) -> bytes | None:
    """The voice with its phoneme durations as a second output, if they are found."""
    model = onnx.load(str(path))
    try:
        add_alignment_output(model)
    except ValueError:
        return None
    return model.SerializeToString()


def phoneme_groups(chunks: Iterable[AudioChunk]) -> list[Group]:
    """Phonemes between spaces with their times in seconds; spread evenly where the voice does not tell."""
    groups: list[Group] = []
    start_s = 0.0
    for chunk in chunks:
        length_s = chunk.audio_float_array.size / chunk.sample_rate
        groups += _groups_of(_timed(chunk, length_s), start_s)
        start_s += length_s
    return groups


def _timed(chunk: AudioChunk, length_s: float) -> list[tuple[str, float]]:
    """Each phoneme with its length in seconds."""
    if chunk.phoneme_alignments:
        return [(item.phoneme, float(item.num_samples) / chunk.sample_rate) for item in chunk.phoneme_alignments]
    sounding = sum(phoneme not in NOT_PHONEMES for phoneme in chunk.phonemes) or 1
    return [(phoneme, 0.0 if phoneme in NOT_PHONEMES else length_s / sounding) for phoneme in chunk.phonemes]


def _groups_of(timed: Iterable[tuple[str, float]], start_s: float) -> list[Group]:
    groups: list[Group] = []
    count, group_start_s, group_end_s, at_s = 0, start_s, start_s, start_s
    for phoneme, length_s in [*timed, (" ", 0.0)]:
        if phoneme == " ":
            groups += [Group(count, group_start_s, group_end_s)] if count else []
            count = 0
        at_s += length_s
        if phoneme not in NOT_PHONEMES:
            group_start_s = group_start_s if count else at_s - length_s
            count, group_end_s = count + 1, at_s
        elif count and phoneme in "ː":
            group_end_s = at_s
    return groups
