"""A machine with one core, and a caller whose network stalls."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system import Landline, running

pytestmark = pytest.mark.e2e

QUESTIONS = ("what time is breakfast on weekdays", "how much does parking cost")
KEYS = ("7 am", "euros")
STALL_S = 5.0
CALL_S = 120.0


def call(landline: Landline) -> subprocess.Popen[str]:
    """A scripted caller in a process of its own, who asks both questions."""
    said = [part for question in QUESTIONS for part in ("--say", question)]
    command = [sys.executable, "-m", "agent", "call", "--json", "--url", landline.base_url, *said]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def turns(caller: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What came of the call."""
    output, _ = caller.communicate(timeout=CALL_S)
    assert caller.returncode == 0, output
    return json.loads(output)["turns"]


def test_one_core_is_enough_for_a_call(tmp_path: Path) -> None:
    with running(tmp_path, under=("taskset", "-c", "0")) as landline:
        answers = [turn["answer"] for turn in turns(call(landline))]
    assert all(key in answer for key, answer in zip(KEYS, answers, strict=True)), answers


def test_a_caller_whose_network_stalls_for_5_s_is_answered_afterwards(landline: Landline) -> None:
    before = len(landline.log)
    caller = call(landline)
    landline.wait_for_line("call started", after=before)
    time.sleep(4)
    caller.send_signal(signal.SIGSTOP)  # nothing is sent or received, as on a dead network
    time.sleep(STALL_S)
    caller.send_signal(signal.SIGCONT)
    assert KEYS[1] in turns(caller)[-1]["answer"]
