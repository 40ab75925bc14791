"""The callers of `bench heard`: they ask, hear the beginning of the answer, press the stop button and ask on."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agent.caller.conversation import Caller, run_call
from agent.caller.line import RATE_HZ
from agent.caller.report import TurnReport
from agent.caller.script import CallScript, Patience, Say
from agent.caller.ticket import Ticket, ask_for_ticket

LISTEN_S = 0.5
"""How much of an answer the caller listens to."""
PATIENCE = Patience(agent_s=120.0, quiet_s=0.4)
"""The stock agent loads its models when the call comes."""
HESITATIONS = Path(__file__).with_name("hesitations.txt")
HESITATING_CALLS = 4

Turns = Sequence[TurnReport]


def script_of(said: Sequence[str]) -> CallScript:
    """One call that says this."""
    return CallScript([Say(text) for text in said], listen_s=LISTEN_S, patience=PATIENCE)


async def ask(script: CallScript, ticket: Ticket) -> Turns:
    """One call."""
    return (await run_call(script, ticket=ticket)).turns


async def ask_twice(script: CallScript, ticket: Ticket, *, first: int) -> tuple[Turns, Turns]:
    """One call in which the `first` questions are asked with the documents and then without: the turns of each kind."""
    turns: dict[bool, list[TurnReport]] = {True: [], False: []}
    lines = [turn for turn in script.turns if isinstance(turn, Say)]
    sounds = [script.audio(line, sample_rate_hz=RATE_HZ) for line in lines]
    async with Caller(ticket, patience=script.patience) as caller:
        await caller.hear_greeting()
        for number, (line, sound) in enumerate(zip(lines, sounds, strict=True)):
            for with_documents, kept in turns.items():
                if number >= first and not with_documents:
                    continue
                await caller.use_documents(with_documents)
                kept.append(await caller.say(sound, text=line.text, listen_s=script.listen_s))
    return turns[True], turns[False]


async def hesitate(page: str) -> Turns:
    """Callers who pause in the middle of what they say, several at a time."""
    lines = HESITATIONS.read_text().splitlines()
    scripts = [script_of(lines[number::HESITATING_CALLS]) for number in range(HESITATING_CALLS)]
    calls = [ask(script, await ask_for_ticket(page)) for script in scripts]
    return [turn for turns in await asyncio.gather(*calls) for turn in turns]
