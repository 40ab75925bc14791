"""Measure a Whisper folder as the engine uses it: `python -m training.stt.evaluate [FOLDER] [--errors]`.

Questions that were never trained on, in voices that were never trained on; and what it makes of sounds that
are not speech. The same audio every time.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plugins.whisper.model import Utterance, WhisperModel
from training.audio import effects
from training.audio.nonspeech import MAKERS, any_sound
from training.audio.speech import SAMPLE_RATE_HZ, Audio
from training.stt.sentences import QUESTIONS, ROOT, document_sentences
from training.stt.text import spoken, words
from training.stt.voices import HELD_OUT_FLITE, held_out_espeak_voice, say_with_espeak, say_with_flite
from training.stt.wer import total

STARTER = ROOT / "models" / "starter" / "whisper"
CARD = ROOT / "models" / "starter" / "card.json"
PHONE_SNR_DB = 20.0
NONSPEECH_S = 300.0
TEACHER = "slt"
"""The Flite voice that the starter's own voice was taught by."""
BATCH = 8

Say = Callable[[str, random.Random], Audio]


@dataclass(frozen=True)
class Clip:
    """One thing to hear, and the words in it."""

    said: str
    audio: Audio


def by_espeak(text: str, rng: random.Random) -> Audio:
    """A held-out voice of espeak-ng."""
    return say_with_espeak(text, held_out_espeak_voice(rng), rng).audio


def by_flite(text: str, rng: random.Random) -> Audio:
    """The held-out voice of Flite."""
    return say_with_flite(text, HELD_OUT_FLITE, rng).audio


def by_teacher(text: str, rng: random.Random) -> Audio:
    """The voice that the agent's own resembles."""
    return say_with_flite(text, TEACHER, rng).audio


def questions(name: str) -> list[str]:
    """A set of `training/questions`, as spoken."""
    items = json.loads((QUESTIONS / f"{name}.json").read_text())
    return [spoken(item["question"]) for item in items]


def clips(texts: Iterable[str], say: Say, *, seed: int) -> list[Clip]:
    """Every text said once, in a quiet place."""
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    return [Clip(text, _recorded(say(text, rng), noise)) for text in texts]


def _recorded(audio: Audio, rng: np.random.Generator) -> Audio:
    """A little silence around, as the voice-activity gate leaves it, at an ordinary level with a faint hiss."""
    lead, tail = (np.zeros(int(rng.uniform(0.1, 0.4) * SAMPLE_RATE_HZ), np.float32) for _ in range(2))
    level = effects.scale_to_peak(np.concatenate([lead, audio, tail]), peak_db=float(rng.uniform(-18, -2)))
    return level + rng.normal(0, 3e-4, len(level)).astype(np.float32)


def over_the_phone(heard: Sequence[Clip], *, seed: int) -> list[Clip]:
    """The same clips with noise 20 dB below the speech, through 8 kHz G.711."""
    rng = np.random.default_rng(seed)
    return [Clip(clip.said, _phoned(clip.audio, rng, "mu" if i % 2 else "a")) for i, clip in enumerate(heard)]


def _phoned(audio: Audio, rng: np.random.Generator, codec: str) -> Audio:
    noise = rng.normal(0, 1, len(audio)).astype(np.float32)
    return effects.telephone(effects.add_noise(audio, noise, snr_db=PHONE_SNR_DB), codec=codec)


def nonspeech(*, seconds: float, seed: int) -> list[Clip]:
    """Silence, noise, tones, signals and hold music, in pieces of 1 to 15 s, each kind in turn."""
    rng = np.random.default_rng(seed)
    made: list[Clip] = []
    left_s = seconds
    while left_s > 0:
        length = int(min(left_s, rng.uniform(1, 15)) * SAMPLE_RATE_HZ) + 160
        make = MAKERS[len(made) % len(MAKERS)] if len(made) % 3 else any_sound
        made.append(Clip("", effects.scale_to_peak(make(length, rng), peak_db=float(rng.uniform(-40, 0)))))
        left_s -= length / SAMPLE_RATE_HZ
    return made


def transcribe(model: WhisperModel, heard: Sequence[Clip]) -> list[tuple[str, str]]:
    """(said, understood) of every clip, through the engine's own decoding and its gate."""
    pairs: list[tuple[str, str]] = []
    for start in range(0, len(heard), BATCH):
        group = heard[start : start + BATCH]
        transcripts = model.decode([Utterance(clip.audio) for clip in group])
        pairs += [(clip.said, words(t.text)) for clip, t in zip(group, transcripts, strict=True)]
    return pairs


def material() -> dict[str, list[Clip]]:
    """Everything that is measured, by the name of its figure."""
    demo, new = questions("demo_heldout"), questions("new_heldout")
    espeak = [*clips(demo, by_espeak, seed=1), *clips(demo, by_espeak, seed=2)]
    flite = clips(demo, by_flite, seed=3)
    sentences = [spoken(s) for s in document_sentences()[::6]]
    return {
        "wer_demo_espeak": espeak,
        "wer_demo_flite": flite,
        "wer_phone": over_the_phone([*espeak[: len(demo)], *flite], seed=4),
        "wer_new_documents": [*clips(new, by_espeak, seed=5), *clips(new, by_flite, seed=6)],
        "wer_talk": clips(questions("talk"), by_espeak, seed=7),
        "wer_agent_voice": clips(sentences, by_teacher, seed=8),
        "words_on_nonspeech": nonspeech(seconds=NONSPEECH_S, seed=9),
    }


def measure(folder: Path = STARTER, *, threads: int = 2) -> dict[str, float]:
    """Word error rates as fractions; `words_on_nonspeech` counts the words of five minutes without speech."""
    return figures(understood(folder, threads=threads))


def understood(folder: Path, *, threads: int) -> dict[str, list[tuple[str, str]]]:
    """What the model makes of all the material."""
    model = WhisperModel(folder, threads=threads)
    return {name: transcribe(model, heard) for name, heard in material().items()}


def figures(pairs: dict[str, list[tuple[str, str]]]) -> dict[str, float]:
    """The figures of the card."""
    found = {name: round(total(heard).rate, 4) for name, heard in pairs.items() if name.startswith("wer_")}
    found["wer_demo"] = round(total([*pairs["wer_demo_espeak"], *pairs["wer_demo_flite"]]).rate, 4)
    found["words_on_nonspeech"] = float(sum(len(heard.split()) for _, heard in pairs["words_on_nonspeech"]))
    return found


def write_card(measured: dict[str, float]) -> None:
    """Merge the figures into the starter models' card."""
    card = json.loads(CARD.read_text()) if CARD.exists() else {}
    card["stt"] = {**card.get("stt", {}), **measured}
    CARD.parent.mkdir(parents=True, exist_ok=True)
    CARD.write_text(json.dumps(card, indent=2) + "\n")


def main() -> None:
    """Print the figures; with --errors what was misunderstood; with --card write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=STARTER)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--card", action="store_true")
    options = parser.parse_args()
    pairs = understood(options.folder, threads=options.threads)
    if options.errors:
        for name, heard in pairs.items():
            print(*(f"{name}: {said} → {text}" for said, text in heard if said != text), sep="\n")
    measured = figures(pairs)
    print(json.dumps(measured, indent=2))
    if options.card:
        write_card(measured)


if __name__ == "__main__":
    main()
