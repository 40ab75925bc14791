"""Which synthetic voices the starter model hears, and which it is only measured with."""

import random
from functools import cache

from training.audio.espeak import Espeak
from training.audio.flite import Flite
from training.audio.speech import Speech
from training.stt.text import for_synthesizer

ACCENTS = ("en-us", "en-us", "en-us", "en", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
HELD_OUT_VARIANTS = ("adam", "belinda", "caleb", "edward", "f2", "linda", "m3", "quincy", "steph2", "Annie")
HELD_OUT_FLITE = "rms"
_VARIANTS = (
    "Alex Alicia Andrea Andy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen Reed "
    "anika announcer antonio aunty benjamin boris david ed f1 f3 f4 f5 f1 f3 f4 f5 grandma grandpa gustave ian iven "
    "iven2 iven3 iven4 john kaukovalta klatt klatt2 klatt3 klatt4 klatt5 klatt6 m1 m2 m4 m5 m6 m7 m8 m1 m2 m4 m5 "
    "marcelo max michel miguel mike2 norbert pablo paul pedro rob robert sandro shelby steph steph3 travis victor "
    "whisper whisperf zac"
)
VARIANTS = tuple(_VARIANTS.split())
PLAIN_SHARE = 0.12
FLITE_VOICES = {"slt": 45, "awb": 30, "kal16": 17, "kal": 8}
PITCHES_HZ = (75, 240)
OTHER_PITCH_SHARE = 0.6


@cache
def espeak() -> Espeak:
    """This process's espeak-ng."""
    return Espeak()


def training_espeak_voice(rng: random.Random) -> str:
    """A voice of espeak-ng that training may use."""
    accent = rng.choice(ACCENTS)
    return accent if rng.random() < PLAIN_SHARE else f"{accent}+{rng.choice(VARIANTS)}"


def held_out_espeak_voice(rng: random.Random) -> str:
    """A voice of espeak-ng that training never uses."""
    return f"{rng.choice(ACCENTS)}+{rng.choice(HELD_OUT_VARIANTS)}"


def training_flite_voice(rng: random.Random) -> str:
    """A voice of Flite that training may use."""
    return rng.choices(list(FLITE_VOICES), list(FLITE_VOICES.values()))[0]


def say_with_espeak(text: str, voice: str, rng: random.Random) -> Speech:
    """`text` at a random tempo and pitch."""
    return espeak().say(
        _with_pauses(for_synthesizer(text), rng),
        voice=voice,
        words_per_minute=rng.randint(120, 205),
        pitch=rng.randint(20, 80),
        range_=rng.randint(25, 75),
    )


def say_with_flite(text: str, voice: str, rng: random.Random, *, pitch_hz: float | None = None) -> Speech:
    """`text` at a random tempo."""
    spoken = _with_pauses(for_synthesizer(text), rng)
    return Flite().say(spoken, voice=voice, stretch=rng.uniform(0.8, 1.25), pitch_hz=pitch_hz)


def training_pitch(rng: random.Random) -> float | None:
    """A mean pitch in Hz for a Flite voice, often not its own: there are few of them, and many people."""
    return rng.uniform(*PITCHES_HZ) if rng.random() < OTHER_PITCH_SHARE else None


def _with_pauses(text: str, rng: random.Random) -> str:
    """Now and then a comma, which the voices hear as a pause, and the tune of a question."""
    parts = text.split(" ")
    for i in range(len(parts) - 1):
        if parts[i].isalpha() and rng.random() < 0.03:
            parts[i] += ","
    return " ".join(parts) + rng.choice(("", "", "?", "."))
