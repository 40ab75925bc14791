"""Speak sentences for training, shard by shard: `python -m training.stt.record FOLDER --seed 1 --shards 50`."""

import argparse
import random
from pathlib import Path

from training.audio.speech import SynthesisFailed
from training.stt.recordings import Recording, recording, write_shard
from training.stt.sentences import AGENT, CALLERS
from training.stt.voices import (
    say_with_espeak,
    say_with_flite,
    training_espeak_voice,
    training_flite_voice,
    training_pitch,
)

SHARD_SIZE = 200
FLITE_SHARE = 0.5
AGENT_SHARE = 0.55
"""How much of what the agent's teacher voice says is what the agent would say."""
LONGEST_S = 14.0


def speak_one(rng: random.Random) -> Recording:
    """A random sentence in a random voice of the training set."""
    while True:
        try:
            spoken = _attempt(rng)
        except SynthesisFailed:
            continue
        if spoken.seconds <= LONGEST_S:
            return spoken


def _attempt(rng: random.Random) -> Recording:
    if rng.random() >= FLITE_SHARE:
        text = CALLERS.draw(rng)
        return recording(say_with_espeak(text, training_espeak_voice(rng), rng), transcript=text)
    voice = training_flite_voice(rng)
    mixture = AGENT if voice == "slt" and rng.random() < AGENT_SHARE else CALLERS
    text = mixture.draw(rng)
    return recording(say_with_flite(text, voice, rng, pitch_hz=training_pitch(rng)), transcript=text)


def record(folder: Path, *, seed: int, shards: int) -> None:
    """Write `shards` shards; those of the same seed that are already there are kept."""
    for number in range(shards):
        name = f"{seed:03d}-{number:05d}"
        if not (folder / f"{name}.json").exists():
            rng = random.Random(name)
            write_shard(folder, name, [speak_one(rng) for _ in range(SHARD_SIZE)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=100)
    options = parser.parse_args()
    record(options.folder, seed=options.seed, shards=options.shards)
