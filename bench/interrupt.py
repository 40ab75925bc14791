"""Barge-ins: how long after a caller's first sound the agent is heard quieter, and how long until it is silent.

Both are measured on the audio that the caller receives, so they include the way there and back. A barge-in begins
while the agent is loud; it is quieter from the last moment on at which it was within 10 dB of its level before.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.caller.conversation import Caller
from agent.caller.line import LEVEL, RATE_HZ, Level
from agent.caller.loudness import first_audible
from agent.caller.ticket import ask_for_ticket
from agent.caller.voice import speech
from agent.machine import running_machine
from agent.settings import Settings
from bench.results import percentile
from plugins.audio import Float

BARGE_INS = 10
LOG = Path("run/bench.log")
QUESTIONS = (
    "what time is breakfast on weekdays",
    "how much does parking cost",
    "when does the museum open",
    "can i bring my dog",
)
INTO_ANSWER_S = 1.0
ANSWER_S = 20.0
BEFORE = 2 * RATE_HZ // LEVEL
"""Levels, of two seconds together, that tell how loud the agent is."""
WINDOW_S = 1.0
"""After a barge-in's first sound; within it the agent has given way or never will."""
QUIETER_DB = 10.0
LOUD_DB = -30.0
SILENT_S = 0.15
"""Silence that long at the end of the window is meant, and no pause between words."""


@dataclass(frozen=True)
class BargeIn:
    """What was heard after one barge-in's first sound; `None` for what did not happen within the window."""

    duck_ms: float | None
    silent_ms: float | None


async def run(settings: Settings) -> dict[str, object]:
    """Start everything, make the call, print the table and return the figures for `latest.json`."""
    async with running_machine(settings, log=LOG) as page, Caller(await ask_for_ticket(page)) as caller:
        await caller.hear_greeting()
        await caller.mouth.speak(voice(QUESTIONS[-1]))
        found = [await barge_in(caller, QUESTIONS[number % len(QUESTIONS)]) for number in range(BARGE_INS)]
    Console().print(table(found))
    return figures(found)


def voice(text: str) -> Float:
    """`text` spoken, beginning with its first audible sample."""
    audio = speech(text, sample_rate_hz=RATE_HZ)
    return audio[first_audible(audio) or 0 :]


async def until_loud(caller: Caller) -> None:
    """Wait for an answer, let it go on for a while, and then for a loud moment of it."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(ANSWER_S):
        await caller.ear.sound_after(loop.time())
        await asyncio.sleep(INTO_ANSWER_S)
        await caller.ear.louder_than(LOUD_DB)


async def barge_in(caller: Caller, question: str) -> BargeIn:
    """Ask `question` in the middle of the answer to the last one."""
    await until_loud(caller)
    before = [level.db for level in caller.ear.levels[-BEFORE:]]
    await caller.mouth.speak(voice(question))
    onset_s = caller.mouth.first_audible_at_s or 0.0
    after = [level for level in caller.ear.levels if onset_s < level.ended_at_s <= onset_s + WINDOW_S]
    return measured(after, before=before, onset_s=onset_s)


def measured(levels: Sequence[Level], *, before: Sequence[float], onset_s: float) -> BargeIn:
    """Find both moments in the levels after `onset_s`; `before` is how loud the agent was until then."""
    usual_db = float(np.percentile(before, 90))
    loud = [level.ended_at_s for level in levels if level.db > usual_db - QUIETER_DB]
    audible = [level.audible_at_s for level in levels if level.audible_at_s is not None]
    end_s = levels[-1].ended_at_s if levels else onset_s
    return BargeIn(_moment_ms(loud, onset_s=onset_s, end_s=end_s), _moment_ms(audible, onset_s=onset_s, end_s=end_s))


def _moment_ms(heard: Sequence[float], *, onset_s: float, end_s: float) -> float | None:
    last_s = heard[-1] if heard else onset_s
    return None if end_s - last_s < SILENT_S else (last_s - onset_s) * 1000


def figures(found: Sequence[BargeIn]) -> dict[str, object]:
    """What goes into `latest.json`."""
    ducks = [one.duck_ms for one in found if one.duck_ms is not None]
    silences = [one.silent_ms for one in found if one.silent_ms is not None]
    if not silences:
        raise SystemExit(f"the agent gave way to none of {len(found)} barge-ins; {LOG} says why")
    return {
        "barge_ins": len(found),
        "unheeded": len(found) - len(silences),
        "duck_ms": round(median(ducks)),
        "duck_p95_ms": round(percentile(ducks, 0.95)),
        "silent_ms": round(median(silences)),
        "silent_p95_ms": round(percentile(silences, 0.95)),
    }


def table(found: Sequence[BargeIn]) -> Table:
    """The medians and tails."""
    values = figures(found)
    sheet = Table("ms", "median", "p95", title=f"{len(found)} barge-ins: the caller's first sound to the agent's …")
    sheet.add_row("10 dB less", f"{values['duck_ms']}", f"{values['duck_p95_ms']}")
    sheet.add_row("silence", f"{values['silent_ms']}", f"{values['silent_p95_ms']}")
    sheet.caption = f"{values['unheeded']} unheeded"
    return sheet
