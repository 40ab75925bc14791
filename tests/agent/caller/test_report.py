"""What comes out of a scripted call."""

import io
import json

from rich.console import Console

from agent.caller.report import CallReport, Source, TurnReport

BREAKFAST = TurnReport(
    door="voice",
    said="what time is breakfast",
    understood="what time is breakfast",
    answer="From 7 am.",
    sources=(Source("Breakfast", "breakfast.md"), Source("Breakfast", "breakfast.md", position=1)),
    heard_ms=612.4,
    first_text_ms=700.0,
)
TYPED = TurnReport(door="text", said="and on sunday", understood="and on sunday", answer="8 am.", first_text_ms=45.0)
SILENCE = TurnReport(door="voice", said="hello", understood="", answer="")


def call(*turns: TurnReport) -> CallReport:
    return CallReport(room="call-1", models="starter", mode="quote", greeting="Hello!", joined_ms=480.0, turns=turns)


def shown(report: CallReport, *, width: int = 160) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(report)
    return console.export_text()


def test_the_table_shows_both_sides_sources_and_latency() -> None:
    text = shown(call(BREAKFAST, TYPED))
    for words in ("what time is breakfast", "From 7 am.", "Breakfast", "612", "(typed)", "45", "Hello!", "starter"):
        assert words in text
    assert "2 of 2 turns answered" in text
    assert "Breakfast, Breakfast" not in text


def test_what_both_sides_said_is_shown_as_it_is() -> None:
    strange = "Bring [your] ID [/x] :key:"
    turn = TurnReport("voice", strange, f"1 {strange}", f"2 {strange}", (Source(f"3 {strange}", "id.md"),))
    text = shown(call(turn, TYPED), width=400)
    assert all(words in text for words in (strange, f"1 {strange}", f"2 {strange}", f"3 {strange}"))


def test_an_unanswered_turn_is_plain_to_see() -> None:
    report = call(BREAKFAST, SILENCE)
    assert not report.is_answered
    assert "no answer" in shown(report)
    assert "1 of 2 turns answered" in shown(report)


def test_the_json_has_what_a_program_needs() -> None:
    read = json.loads(json.dumps(call(BREAKFAST, TYPED).as_dict()))
    turn = read["turns"][0]
    assert {"said", "understood", "answer", "sources", "heard_ms"} <= turn.keys()
    assert turn["sources"][0]["source"] == "breakfast.md"
    assert read["median_heard_ms"] == 612.4
    assert read["turns"][1]["heard_ms"] is None


def test_a_call_in_text_has_no_heard_latency() -> None:
    assert call(TYPED).median_heard_ms is None
