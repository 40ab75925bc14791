"""What is no speech, or not meant for the agent: words invented from it, and answers given up because of it.

Ten minutes of noises go through detector, gate and Whisper as fast as they can be heard. Then callers listen to
answers while they cough, agree, slam doors, or let the loudspeaker into the microphone: a false stop is an answer
that was broken off.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from livekit import rtc
from livekit.agents import stt
from rich.console import Console
from rich.table import Table

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ, Leak, Level
from agent.caller.ticket import ask_for_ticket
from agent.caller.voice import speech
from agent.machine import running_machine
from agent.settings import Settings
from bench import sounds
from bench.interrupt import QUESTIONS, until_loud, voice
from plugins.audio import Float, pcm_from_float
from plugins.client import EngineClient
from plugins.whisper.stt import STT

NOISE_S = 600.0
NOISE_RATE_HZ = 16_000
LOG = Path("run/bench.log")
CALLERS = 4
LISTENERS = 2
"""Stretches of noise that are heard at a time."""
BACKCHANNELS = ("yeah", "okay", "uh-huh", "right")
VOICES = ("en-us+m3", "en-us+f2", "en-us+m7")
ECHO_GAIN, ECHO_DELAY_S = 0.25, 0.15
COUNTED = ("cough", "backchannel")
"""The 30 events of `false_stops`."""


@dataclass(frozen=True)
class Disturbance:
    """A sound at the caller's microphone while the agent speaks; an echo has none of its own."""

    kind: str
    audio: Float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the answer: was it broken off, how many words were not said, how long did it pause."""

    kind: str
    is_stopped: bool
    words_lost: int
    gap_ms: float


async def run(settings: Settings, *, seconds: float = NOISE_S) -> dict[str, object]:
    """Start everything, make the noises and the calls, print the tables and return the figures for `latest.json`."""
    async with running_machine(settings, log=LOG) as page:
        invented = await hear_noise(EngineClient(settings.engine.url), seconds=seconds)
        events = disturbances()
        calls = [disturb(page, events[number::CALLERS]) for number in range(CALLERS)]
        outcomes = [outcome for call in await asyncio.gather(*calls) for outcome in call]
    Console().print(_invented_table(invented, seconds), _outcome_table(outcomes))
    counted = [one for one in outcomes if one.kind in COUNTED]
    return {
        "minutes": round(seconds / 60, 1),
        "invented_words": sum(invented.values()),
        "events": len(counted),
        "false_stops": sum(one.is_stopped for one in counted),
        "words_lost": sum(one.words_lost for one in counted),
        "gap_ms": round(median(one.gap_ms for one in counted)),
        "other_events": len(outcomes) - len(counted),
        "other_false_stops": sum(one.is_stopped for one in outcomes if one.kind not in COUNTED),
    }


async def hear_noise(engine: EngineClient, *, seconds: float) -> Counter[str]:
    """Words that come of each kind of noise."""
    invented, stretches = Counter[str](), sounds.non_speech(seconds, rate_hz=NOISE_RATE_HZ)

    async def listen() -> None:
        whisper = STT(engine)
        for kind, audio in stretches:
            invented[kind] += await _words_in(whisper, audio)

    await asyncio.gather(*(listen() for _ in range(LISTENERS)))
    await engine.aclose()
    return invented


async def _words_in(whisper: STT, audio: Float) -> int:
    pcm = pcm_from_float(audio)
    async with whisper.stream() as stream:
        stream.push_frame(rtc.AudioFrame(pcm, NOISE_RATE_HZ, 1, audio.size))
        stream.end_input()
        finals = [event async for event in stream if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    return sum(len(event.alternatives[0].text.split()) for event in finals)


def disturbances() -> list[Disturbance]:
    """15 coughs, 15 backchannels, 6 doors and keyboards, 3 echoes, mixed."""
    dice = np.random.default_rng(11)
    agreed = [speech(text, sample_rate_hz=RATE_HZ, voice=name) for text in BACKCHANNELS for name in VOICES]
    agreed += [sounds.mm_hm(dice, rate_hz=RATE_HZ) for _ in VOICES]
    events = [Disturbance("backchannel", audio) for audio in agreed]
    events += [Disturbance("cough", sounds.cough(dice, rate_hz=RATE_HZ)) for _ in range(15)]
    events += [Disturbance("door", sounds.slam(dice, rate_hz=RATE_HZ)) for _ in range(3)]
    events += [Disturbance("typing", sounds.typing(dice, rate_hz=RATE_HZ)) for _ in range(3)]
    dice.shuffle(events)  # pyright: ignore[reportArgumentType]  # numpy shuffles any list
    return events + [Disturbance("echo")] * 3


async def disturb(page: str, events: Sequence[Disturbance]) -> list[Outcome]:
    """One call: a question for every event, which happens during the answer."""
    outcomes: list[Outcome] = []
    async with Caller(await ask_for_ticket(page)) as caller:
        await caller.hear_greeting()
        for number, event in enumerate(events):
            outcomes.append(await _disturbed_answer(caller, event, question=QUESTIONS[number % len(QUESTIONS)]))
    return outcomes


async def _disturbed_answer(caller: Caller, event: Disturbance, *, question: str) -> Outcome:
    loop = asyncio.get_running_loop()
    asked_at_s = loop.time()
    await caller.mouth.speak(voice(question))
    caller.mouth.leak = Leak(gain=ECHO_GAIN, delay_s=ECHO_DELAY_S) if event.audio is None else None
    await until_loud(caller)
    disturbed_at_s = loop.time()
    if event.audio is not None:
        await caller.mouth.speak(event.audio)
    await caller.silence_of_agent()
    caller.mouth.leak = None
    return outcome(caller, event.kind, asked_at_s=asked_at_s, disturbed_at_s=disturbed_at_s)


def outcome(caller: Caller, kind: str, *, asked_at_s: float, disturbed_at_s: float) -> Outcome:
    """Compare what the agent wanted to say with its captions, which show what was heard."""
    notes = caller.captions.notes
    wanted = [str(page["answer"]) for at_s, page in notes.sources if at_s > asked_at_s]
    turns = [page for at_s, page in notes.turns if at_s > asked_at_s]
    said = [one.text for one in notes.said_by(caller.agent.identity, since_s=asked_at_s)]
    lost = len(" ".join(wanted[:1]).split()) - len(" ".join(said).split())
    later = [level for level in caller.ear.levels if level.ended_at_s > disturbed_at_s]
    is_stopped = any(turn["interrupted"] for turn in turns) or len(turns) != 1
    return Outcome(kind, is_stopped=is_stopped, words_lost=max(0, lost), gap_ms=longest_gap_ms(later))


def longest_gap_ms(levels: Sequence[Level]) -> float:
    """The longest silence between two sounds."""
    audible = [level.audible_at_s for level in levels if level.audible_at_s is not None]
    return 1000 * max((later - sooner for sooner, later in zip(audible, audible[1:], strict=False)), default=0.0)


def _invented_table(invented: Counter[str], seconds: float) -> Table:
    table = Table("noise", "words", title=f"Words invented in {seconds / 60:.0f} minutes without speech")
    for kind, words in invented.items():
        table.add_row(kind, str(words))
    return table


def _outcome_table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(
        "while the agent speaks", "events", "stopped it", "words lost", "longest pause, ms", title="False stops"
    )
    for kind in dict.fromkeys(one.kind for one in outcomes):
        rows = [one for one in outcomes if one.kind == kind]
        stopped, lost = sum(one.is_stopped for one in rows), sum(one.words_lost for one in rows)
        gap_ms = median(one.gap_ms for one in rows)
        table.add_row(kind, str(len(rows)), str(stopped), str(lost), f"{gap_ms:.0f}")
    return table
