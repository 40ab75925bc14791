"""Answers on their way to an event loop: who is woken when, and what then arrives."""

import asyncio

import pytest

from plugins.errors import EngineBusy
from plugins.llama.generation import Delta
from plugins.llama.output import Output
from plugins.llama.stream import RING_EVERY_S, Bell, Stream
from plugins.llama.toolcalls import NoCalls


class Woken:
    """A stream that counts how often its reader was woken."""

    def __init__(self) -> None:
        self.stream = Stream()
        self.times = 0
        self.stream.wake = self._count

    def _count(self) -> None:
        self.times += 1


async def test_the_first_words_are_told_at_once() -> None:
    reader, bell = Woken(), Bell()
    bell.tick(0.0)
    bell.send(reader.stream, Delta(text="At"))
    bell.tick(0.001)
    await asyncio.sleep(0)
    assert reader.times == 1


async def test_words_that_follow_quickly_are_told_together() -> None:
    reader, bell = Woken(), Bell()
    for step in range(11):
        bell.send(reader.stream, Delta(text=f"{step} "))
        bell.tick(step * RING_EVERY_S / 5)
    await asyncio.sleep(0)
    assert reader.times == 3
    assert (await anext(reader.stream)).text == "0 1 2 3 4 5 6 7 8 9 10 "


async def test_the_end_and_errors_are_told_at_once() -> None:
    for last in (Delta(finish_reason="stop"), EngineBusy("no slot")):
        reader, bell = Woken(), Bell()
        for item in (Delta(text="At "), Delta(text="nine."), last):
            bell.send(reader.stream, item)
            bell.tick(0.0)
        await asyncio.sleep(0)
        assert reader.times == 2


async def test_somebodys_first_words_bring_everybody_theirs() -> None:
    early, late, bell = Woken(), Woken(), Bell()
    bell.send(early.stream, Delta(text="one"))
    bell.tick(0.0)
    bell.send(early.stream, Delta(text="two"))
    bell.tick(0.001)
    bell.send(late.stream, Delta(text="first"))
    bell.tick(0.002)
    await asyncio.sleep(0)
    assert (early.times, late.times) == (2, 1)


async def test_what_is_owed_is_put_into_words_when_the_bell_rings() -> None:
    reader, bell, pieces = Woken(), Bell(), [b"At ", b"ni", b"ne."]
    output = Output(stops=(), listener=NoCalls())
    for step, piece in enumerate(pieces):
        output.add(piece)
        bell.owe(reader.stream, output.said)
        bell.tick(step * RING_EVERY_S / 5)
    await asyncio.sleep(0)
    assert (reader.times, (await anext(reader.stream)).text) == (1, "At ")
    bell.tick(RING_EVERY_S)
    assert (await anext(reader.stream)).text == "nine."


async def test_what_is_owed_comes_before_an_error() -> None:
    reader, bell = Woken(), Bell()
    bell.owe(reader.stream, lambda: Delta(text="At ni"))
    bell.send(reader.stream, EngineBusy("no slot"))
    assert (await anext(reader.stream)).text == "At ni"
    with pytest.raises(EngineBusy):
        await anext(reader.stream)
