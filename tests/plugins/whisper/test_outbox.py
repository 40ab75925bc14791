"""What the engine did not answer is told to the next engine."""

import asyncio

from plugins.whisper.gate import Audio, Command, End, Preflight, Resume, Start
from plugins.whisper.outbox import Outbox, Spoken, Told


def taken(queue: asyncio.Queue[Told]) -> list[Command]:
    return [queue.get_nowait()[1] for _ in range(queue.qsize())]


def put(outbox: Outbox, *commands: Command) -> None:
    for command in commands:
        outbox.put(command)


def test_commands_go_out_in_order() -> None:
    outbox = Outbox()
    queue = outbox.connect()
    commands = [Start(0.0), Audio(b"1"), Preflight(), Resume(), Audio(b"2"), End()]
    put(outbox, *commands)
    assert taken(queue) == commands


def test_a_new_connection_hears_the_open_utterance_from_its_start() -> None:
    outbox = Outbox()
    outbox.connect()
    put(outbox, Start(1.0), Audio(b"1"), Preflight(), Resume(), Audio(b"2"))
    queue = outbox.connect()
    put(outbox, Audio(b"3"))
    assert taken(queue) == [Start(1.0), Audio(b"1"), Audio(b"2"), Audio(b"3")]


def test_a_new_connection_is_asked_again_for_a_preflight() -> None:
    outbox = Outbox()
    put(outbox, Start(1.0), Audio(b"1"), Preflight())
    assert taken(outbox.connect()) == [Start(1.0), Audio(b"1"), Preflight()]


def test_utterances_that_ended_unanswered_are_told_again_in_order() -> None:
    outbox = Outbox()
    put(outbox, Start(0.0), Audio(b"1"), End(), Start(2.0), Audio(b"2"), End())
    assert taken(outbox.connect()) == [Start(0.0), Audio(b"1"), End(), Start(2.0), Audio(b"2"), End()]


def test_an_answered_utterance_is_not_told_again() -> None:
    outbox = Outbox()
    queue = outbox.connect()
    put(outbox, Start(0.0), Audio(b"1"), End(), Start(2.0))
    spoken: Spoken = queue.get_nowait()[0]
    outbox.answered(spoken)
    assert taken(outbox.connect()) == [Start(2.0)]


async def test_waiting_ends_with_the_last_answer() -> None:
    outbox = Outbox()
    await outbox.wait_until_answered()
    queue = outbox.connect()
    put(outbox, Start(0.0), End())
    waiting = asyncio.create_task(outbox.wait_until_answered())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.answered(queue.get_nowait()[0])
    await waiting


def test_commands_without_an_utterance_are_dropped() -> None:
    outbox = Outbox()
    queue = outbox.connect()
    put(outbox, Audio(b"1"), End())
    assert taken(queue) == []
