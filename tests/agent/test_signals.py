"""What ends a program that runs until it is told to."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
from agent.cli.common import run_until_signal

async def work(stop, hurry):
    print("running", flush=True)
    await stop.wait()
    print("in a hurry" if hurry.is_set() else "in order", flush=True)

run_until_signal(work)
"""


def ended_by(*signals: signal.Signals, launcher: tuple[str, ...] = ()) -> str:
    """How the program says that it ends when it is sent these, one after the other."""
    command = [*launcher, sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout and program.stdout.readline() == "running\n"
        for one in signals:
            program.send_signal(one)
        return program.stdout.readline().strip()


@pytest.mark.parametrize(
    ("sent", "end"),
    [(signal.SIGTERM, "in order"), (signal.SIGINT, "in a hurry"), (signal.SIGHUP, "in a hurry")],
)
def test_a_program_ends_by_itself_whatever_tells_it_to(sent: signal.Signals, end: str) -> None:
    assert ended_by(sent) == end


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    assert ended_by(signal.SIGHUP, signal.SIGTERM, launcher=("nohup",)) == "in order"
