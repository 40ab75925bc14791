"""Who is spoken for first, and what is not spoken twice."""

import asyncio

import numpy as np
import pytest
from prometheus_client import REGISTRY

from plugins.piper.model import Speech
from plugins.server.playback import MARGIN_S, Playback
from plugins.server.spoken import Repertoire
from tests.plugins.server.conftest import Bench


def test_silence_is_broken_at_once() -> None:
    assert Playback(now_s=100.0).deadline_s(now_s=100.5) == 100.5


def test_a_later_piece_is_due_shortly_before_the_audio_runs_out() -> None:
    playback = Playback(now_s=100.0)
    playback.add(2.0, now_s=101.0)
    playback.add(1.0, now_s=101.5)
    assert playback.deadline_s(now_s=101.5) == 104.0 - MARGIN_S


def test_audio_that_is_about_to_run_out_goes_before_speech_that_has_not_begun() -> None:
    talking = Playback(now_s=100.0, due_in_s=MARGIN_S / 2)
    assert talking.deadline_s(now_s=100.0) < Playback(now_s=100.0).deadline_s(now_s=100.0)


def test_after_a_gap_the_listener_waits_again() -> None:
    playback = Playback(now_s=100.0, due_in_s=1.0)
    playback.add(1.0, now_s=100.0)
    assert playback.deadline_s(now_s=103.0) == 103.0


async def test_the_clause_that_is_needed_first_is_made_first(bench: Bench) -> None:
    async def said(text: str, due_in_s: float) -> None:
        async for _ in bench.client.speak(text, due_in_s=due_in_s):
            pass

    bench.piper.gate.clear()
    tasks = [asyncio.create_task(said("busy", 0.0))]
    while not bench.piper.entered.is_set():
        await asyncio.sleep(0)
    for waiting, (text, due_in_s) in enumerate([("later", 9.0), ("soon", 3.0), ("now", 0.0)]):
        tasks.append(asyncio.create_task(said(text, due_in_s)))
        while bench.engine.speaking.waiting <= waiting:
            await asyncio.sleep(0)
    bench.piper.gate.set()
    await asyncio.gather(*tasks)
    assert bench.piper.spoken == ["busy", "now", "soon", "later"]


async def test_what_was_said_before_is_not_made_again(bench: Bench) -> None:
    def repeated() -> float:
        return REGISTRY.get_sample_value("tts_repeated_clauses_total") or 0.0

    before = repeated()
    first, again = [[piece async for piece in bench.client.speak("good morning")] for _ in range(2)]
    assert first == again
    assert bench.piper.spoken == ["good", "morning"]
    assert repeated() == before + 2


async def test_another_speed_is_another_speech(bench: Bench) -> None:
    for speed in (1.0, 2.0):
        async for _ in bench.client.speak("morning", speed=speed):
            pass
    assert bench.piper.spoken == ["morning", "morning"]


def speech(samples: int, text: str = "hello") -> tuple[Speech, ...]:
    return (Speech(np.zeros(samples, np.int16), (), text),)


def test_spaces_around_a_clause_do_not_matter() -> None:
    repertoire = Repertoire()
    repertoire.learn("Come in!", speech(10), speed=1.0)
    (found,) = repertoire.recall(" Come in!", speed=1.0)
    assert (found.text, found.audio.size) == (" Come in!", 10)


@pytest.mark.parametrize(("wanted", "kept"), [("one", ["one", "three"]), ("two", ["two", "three"])])
def test_what_was_not_wanted_for_longest_goes_first(wanted: str, kept: list[str]) -> None:
    repertoire = Repertoire(limit_bytes=400)
    for text in ("one", "two"):
        repertoire.learn(text, speech(100, text), speed=1.0)
    repertoire.recall(wanted, speed=1.0)
    repertoire.learn("three", speech(100), speed=1.0)
    assert [text for text in ("one", "two", "three") if repertoire.recall(text, speed=1.0)] == kept


def test_a_speech_larger_than_the_whole_is_not_kept() -> None:
    repertoire = Repertoire(limit_bytes=100)
    repertoire.learn("long", speech(100), speed=1.0)
    assert not repertoire.recall("long", speed=1.0)
