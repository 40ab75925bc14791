"""Measures the starter voice: `python -m training.voice.evaluate [VOICE.onnx]` prints the figures of the model card.

Needs flite, espeak-ng, pocketsphinx and pocketsphinx-en-us from Debian. About a minute on two idle cores.
"""

import argparse
import io
import json
import subprocess
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper import AudioChunk, PiperVoice, SynthesisConfig
from scipy.signal import resample_poly

from training.voice.flite import SAMPLE_RATE_HZ, Flite
from training.voice.recogniser import transcribe, word_error_rate
from training.voice.sound import band_error_db, decibel, edge_level, level

STARTER = Path("models/starter/voice.onnx")
SENTENCES = Path(__file__).with_name("sentences.txt")

Audio = NDArray[np.int16]


class OneCoreVoice:
    """The voice as Piper speaks it, on one thread and at its own level."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._voice = PiperVoice.load(path)
        self._voice.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def speak(self, text: str) -> Audio:
        return np.concatenate([chunk.audio_int16_array for chunk in self.chunks(text)])

    def chunks(self, text: str, *, length_scale: float | None = None) -> list[AudioChunk]:
        config = SynthesisConfig(normalize_audio=False, length_scale=length_scale)
        return list(self._voice.synthesize(text, config, include_alignments=True))


def espeak(text: str) -> Audio:
    """espeak-ng's American voice at 16 kHz, a little under full scale."""
    command = ["espeak-ng", "-v", "en-us", "--stdout", text]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(len(spoken)), "<i2").astype(np.float64)
    return (0.8 * resample_poly(samples, SAMPLE_RATE_HZ, rate_hz)).astype(np.int16)


def realtime_factor(voice: OneCoreVoice, sentences: Sequence[str]) -> float:
    """Processor seconds per second of speech, phonemizer included."""
    voice.speak(sentences[0])
    started = time.process_time()
    samples = sum(len(voice.speak(sentence)) for sentence in sentences)
    return (time.process_time() - started) / (samples / SAMPLE_RATE_HZ)


def _intelligibility(sentences: Sequence[str], ours: list[Audio], taught: list[Audio]) -> dict[str, float]:
    reference = [espeak(sentence) for sentence in sentences]
    heard = transcribe([*ours, *taught, *reference])
    shares = (heard[start : start + len(sentences)] for start in range(0, len(heard), len(sentences)))
    wer, wer_teacher, wer_espeak = (word_error_rate(sentences, share) for share in shares)
    return {"wer_ratio": wer / wer_espeak, "wer": wer, "wer_espeak": wer_espeak, "wer_teacher": wer_teacher}


def _sound(ours: Sequence[Audio], taught: Sequence[Audio]) -> dict[str, float]:
    levels_db = [decibel(level(audio)) for audio in ours]
    return {
        "peak": max(float(np.abs(audio.astype(np.int32)).max()) / 32768 for audio in ours),
        "level_db": float(np.mean(levels_db)),
        "level_spread_db": float(np.std(levels_db)),
        "edge_level_db": decibel(max(edge_level(audio) for audio in ours)),
        "band_error_db": band_error_db(np.concatenate(ours), np.concatenate(taught)),
    }


def _alignment_error_s(voice: OneCoreVoice, sentences: Sequence[str]) -> float:
    """Largest difference between a sentence's length and the sum of its phonemes' lengths."""
    chunks = [chunk for sentence in sentences for chunk in voice.chunks(sentence)]
    aligned = [sum(phoneme.num_samples for phoneme in chunk.phoneme_alignments or ()) for chunk in chunks]
    errors = [abs(len(chunk.audio_int16_array) - samples) for chunk, samples in zip(chunks, aligned, strict=True)]
    return max(errors) / SAMPLE_RATE_HZ


def measure(path: Path = STARTER) -> dict[str, float]:
    """Error rates as fractions, speed in seconds per second of speech, levels in dB below full scale."""
    sentences = SENTENCES.read_text().splitlines()
    voice, teacher = OneCoreVoice(path), Flite()
    ours = [voice.speak(sentence) for sentence in sentences]
    taught = [teacher.speak(sentence).audio for sentence in sentences]
    figures = _intelligibility(sentences, ours, taught)
    figures["realtime_factor"] = realtime_factor(voice, sentences)
    figures["alignment_error_s"] = _alignment_error_s(voice, sentences)
    figures["megabytes"] = path.stat().st_size / 1e6
    return {name: round(value, 4) for name, value in (figures | _sound(ours, taught)).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", nargs="?", type=Path, default=STARTER)
    print(json.dumps(measure(parser.parse_args().voice), indent=1))


if __name__ == "__main__":
    main()
