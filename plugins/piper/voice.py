"""Load a Piper voice with a fixed number of threads, and read phoneme groups from what it says."""

import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore[reportAttributeAccessIssue] -- a binary module
from piper import PiperConfig, PiperVoice
from piper.voice import AudioChunk

from plugins.errors import DeviceMissing, ModelCorrupt, ModelMissing
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
    return PiperVoice(session=_session(path, threads, _providers(device)), config=config)


def _providers(device: str) -> list[str]:
    if device == "cpu":
        return [ON_CPU]
    if ON_CUDA not in onnxruntime.get_available_providers():
        raise DeviceMissing("voice", device, "this ONNX Runtime was built without it; the package is onnxruntime-gpu")
    return [ON_CUDA, ON_CPU]


def _session(path: Path, threads: int, providers: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        if len(session.get_outputs()) == 1 and (patched := _with_alignments(path)):
            session = onnxruntime.InferenceSession(patched, options, providers=providers)
    except VOICE_ERRORS as error:
        raise ModelCorrupt(path, str(error).splitlines()[0]) from error
    return session


def _with_alignments(path: Path) -> bytes | None:
    """The voice with its phoneme durations as a second output, if the `onnx` package is here and they are found."""
    if importlib.util.find_spec("onnx") is None:
        return None
    import onnx
    from piper.patch_voice_with_alignment import add_alignment_output

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
