"""What the language model reads again and what it does not: turns of a call, and calls that begin alike."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from plugins.llama.generation import Json
from plugins.llama.model import Delta, Generation, LlamaModel, collect

SYSTEM = "You answer the telephone of a small hotel by a lake. Be brief, be kind, and say only what you know. " * 4
ANSWER_TOKENS = 16
SLOTS = 2


@dataclass(frozen=True)
class Reading:
    """What it took to begin an answer: tokens of the prompt, how many of them were read now, and the time."""

    prompt_tokens: int
    read_tokens: int
    first_token_ms: float
    text: str = ""


@dataclass(frozen=True)
class Memory:
    """One call's turns; a call that begins like others that are over; and its next turn after it lost its place."""

    first_turn: Reading
    second_turn: Reading
    new_call: Reading
    back_from_host: Reading


async def remember(path: Path, *, threads: int, cells: int) -> Memory:
    """Speak with a freshly loaded model."""
    with closing(LlamaModel(path, threads=threads, context_tokens=cells, slots=SLOTS)) as model:
        first = await _ask(model, "one", opening("what time is breakfast"))
        second = await _ask(model, "one", following("what time is breakfast", first))
        await _ask(model, "two", opening("how much does parking cost"))
        model.release("one")
        model.release("two")
        new = await _ask(model, "three", opening("is there a swimming pool"))
        for other in range(SLOTS):
            await _ask(model, f"other {other}", opening(f"may i bring {other} dogs"))
        return Memory(first, second, new, await _ask(model, "three", following("is there a swimming pool", new)))


def opening(question: str) -> list[Json]:
    """The beginning that all calls share, and a question."""
    return [_said("system", SYSTEM), _said("user", question)]


def following(question: str, answer: Reading) -> list[Json]:
    """The next turn of such a call."""
    return [*opening(question), _said("assistant", answer.text), _said("user", "and on saturdays")]


def _said(role: str, text: str) -> Json:
    return {"role": role, "content": text}


async def _ask(model: LlamaModel, call_id: str, messages: Sequence[Json]) -> Reading:
    begin_s, arrivals = time.perf_counter(), list[float]()

    def note(_: Delta) -> None:
        arrivals.append(time.perf_counter())

    wish = Generation(messages=messages, max_tokens=ANSWER_TOKENS, call_id=call_id)
    answer = await collect(model.generate(wish), each=note)
    assert answer.usage
    return Reading(
        prompt_tokens=answer.usage.prompt_tokens,
        read_tokens=answer.usage.prompt_tokens - answer.usage.cached_tokens,
        first_token_ms=1e3 * (arrivals[0] - begin_s),
        text=answer.text,
    )
