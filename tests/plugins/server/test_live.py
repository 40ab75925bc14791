"""What the owner may see of running calls and of the last hours."""

import asyncio

from plugins.correlation import correlation_id, door
from plugins.server.live import MINUTES_KEPT, MOST_OVER_HTTP, STAYS_S, TURNS_KEPT, Calls, Recent

from .conftest import Bench


def test_a_call_is_there_for_as_long_as_it_has_a_socket() -> None:
    calls = Calls()
    calls.begin("call-1", "voice", now_s=10)
    calls.begin("call-1", "voice", now_s=20)
    calls.end("call-1")
    assert [(call["id"], call["since_s"]) for call in calls.described(now_s=30)] == [("call-1", 10)]
    calls.end("call-1")
    assert calls.described(now_s=30) == []


def test_a_call_keeps_its_newest_turns() -> None:
    calls = Calls()
    calls.begin("call-1", "phone", now_s=0)
    for number in range(TURNS_KEPT + 5):
        calls.turn("call-1", {"number": number}, now_s=number)
    calls.turn("nobody", {"number": 0}, now_s=0)
    turns = calls.described(now_s=30)[0]["turns"]
    assert (turns[0]["number"], turns[-1]["number"]) == (5, TURNS_KEPT + 4)


def test_a_conversation_over_http_is_there_for_a_while_after_its_turn() -> None:
    calls = Calls()
    calls.turn("conv-1", {"door": "http"}, now_s=10)
    calls.turn("conv-1", {"door": "http"}, now_s=20)
    assert [len(call["turns"]) for call in calls.described(now_s=20 + STAYS_S)] == [2]
    assert calls.described(now_s=21 + STAYS_S) == []


def test_the_newest_conversations_over_http_are_there() -> None:
    calls = Calls()
    for number in range(MOST_OVER_HTTP + 5):
        calls.turn(f"conv-{number}", {"door": "http"}, now_s=number)
    ids = [call["id"] for call in calls.described(now_s=MOST_OVER_HTTP)]
    assert (ids[0], ids[-1], len(ids)) == ("conv-5", f"conv-{MOST_OVER_HTTP + 4}", MOST_OVER_HTTP)


def test_minutes_tell_turns_times_and_errors() -> None:
    recent = Recent()
    for answered_ms in (400.0, 500.0, 900.0):
        recent.turn({"answered": answered_ms}, now_s=65)
    recent.turn({"end_of_turn": 1.0}, now_s=66)
    recent.error("engine_busy", now_s=67)
    minute = recent.described(now_s=100)["minutes"][0]
    assert minute == {"at_s": 60, "turns": 4, "median_ms": 500.0, "slow_ms": 900.0, "errors": {"engine_busy": 1}}


def test_what_is_long_ago_is_forgotten() -> None:
    recent = Recent()
    recent.error("engine_busy", now_s=0)
    later_s = 60 * MINUTES_KEPT
    assert recent.described(now_s=later_s)["minutes"] == []
    recent.error("engine_busy", now_s=later_s)
    assert [minute["at_s"] for minute in recent.described(now_s=later_s)["minutes"]] == [later_s]


async def test_a_calls_turns_are_shown_under_its_id(bench: Bench) -> None:
    correlation_id.set("call-9")
    door.set("phone")
    async with bench.client.transcription():
        await bench.client.report_turn({"door": "phone", "stages_ms": {"answered": 430.0}})
        calls = await bench.client.calls()
    assert [(call["id"], call["door"]) for call in calls] == [("call-9", "phone")]
    assert calls[0]["turns"][0]["stages_ms"] == {"answered": 430.0}
    async with asyncio.timeout(5):
        while await bench.client.calls():
            await asyncio.sleep(0.01)


async def test_a_turn_over_http_is_shown_under_its_conversation(bench: Bench) -> None:
    correlation_id.set("req-1")
    await bench.client.report_turn({"door": "http", "call": "conv-1", "stages_ms": {"answered": 40.0, "whole": 90.0}})
    [call] = await bench.client.calls()
    assert (call["id"], call["door"], call["turns"][0]["stages_ms"]["whole"]) == ("conv-1", "http", 90.0)


async def test_what_other_processes_could_not_do_stands_beside_the_engines_own(bench: Bench) -> None:
    await bench.client.report_errors({"conversations_away": 2}, process="web")
    await bench.client.report_errors({"conversations_away": 1, "stt_error": 1}, process="worker")
    [minute] = (await bench.client.recent())["minutes"]
    assert minute["errors"] == {"conversations_away": 3, "stt_error": 1}
    assert 'reported_errors_total{kind="stt_error",process="worker"} 1.0' in await bench.client.metrics()


async def test_documents_are_listed_from_the_loaded_index(bench: Bench) -> None:
    assert await bench.client.documents("menus") == [{"doc_id": "d1", "collection": "menus"}]
