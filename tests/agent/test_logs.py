"""Log lines carry the id of the call or the request that they are about."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from agent.logs import JsonLines, TextLines
from plugins.correlation import adopt, correlation_id, door, headers

KEEPING = """
import asyncio, logging, sys
from agent.conversations.store import open_conversations
from agent.conversations.turns import Turn
from agent.logs import set_up
from agent.settings import LogSettings
from agent.settings.talk import ConversationsSettings

async def keep():
    conversations = open_conversations(ConversationsSettings(database=sys.argv[1]))
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, Turn(door="voice", said="confidential", answer="", heard=""))
    await conversations.aclose()

set_up(LogSettings(level="DEBUG", format="json"), process="web")
logging.getLogger("agent.call").debug("our own lines")
asyncio.run(keep())
"""


def record(**extra: object) -> logging.LogRecord:
    made = logging.LogRecord("agent.call", logging.INFO, __file__, 1, "turn %s", ("answered",), None)
    made.__dict__.update(extra)
    return made


def test_a_json_line_names_process_message_and_whose_work_it_is() -> None:
    correlation_id.set("call-7")
    line = json.loads(JsonLines("worker").format(record(decode_ms=41.0)))
    assert line["process"] == "worker"
    assert line["message"] == "turn answered"
    assert line["correlation_id"] == "call-7"
    assert line["decode_ms"] == "41.0"


def test_a_record_from_another_process_brings_its_own_id() -> None:
    correlation_id.set("")
    assert json.loads(JsonLines("worker").format(record(correlation_id="call-8")))["correlation_id"] == "call-8"
    assert "[call-8] turn answered" in TextLines().format(record(correlation_id="call-8"))


def test_work_for_nobody_in_particular_has_no_id() -> None:
    correlation_id.set("")
    assert "correlation_id" not in json.loads(JsonLines("engine").format(record()))


def test_not_even_at_debug_is_anything_logged_that_was_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEPING, str(tmp_path / "conversations.db")]
    log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "our own lines" in log and "confidential" not in log


def test_the_id_and_the_door_survive_the_way_to_another_process() -> None:
    correlation_id.set("req-1")
    door.set("http")
    sent = headers()
    correlation_id.set("")
    door.set(None)
    adopt(sent)
    assert (correlation_id.get(), door.get()) == ("req-1", "http")


@pytest.mark.parametrize("sent", ["one\r\nSet-Cookie: a", 'quote"', "ä" * 300])
def test_an_id_from_outside_cannot_break_a_header_or_a_line(sent: str) -> None:
    adopt({"X-Request-Id": sent, "X-Landline-Door": "window"})
    assert correlation_id.get().isascii() and len(correlation_id.get()) <= 128
    assert not set(correlation_id.get()) & set('\r\n" ')
    assert door.get() is None
