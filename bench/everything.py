"""`make bench`: every part in a process of its own, how long each took, and the table for the README.

Each part saves its figures when it ends well, so one that fails, takes too long or is interrupted costs the others
nothing.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table

from bench import table
from bench.results import save

PROGRAM = (sys.executable, "-m", "bench")
STOPS_WITHIN_S = 40.0
"""After its interruption a part stops the machine that it runs."""


@dataclass(frozen=True)
class Part:
    """One command and how long it may take: about twice what it does."""

    command: str
    within_s: float


PARTS = (
    Part("heard --stock --documents --compared 5", 480.0),
    Part("heard --stock --models standard-shapes --turns 8 --compared 3", 300.0),
    Part("calls --at 4,8,12 --seconds 12", 300.0),
    Part("engine", 120.0),
    Part("knowledge --chunks 100000", 480.0),
    Part("interrupt", 150.0),
    Part("noise", 270.0),
    Part("survival --calls 40", 300.0),
    Part("http --seconds 12", 180.0),
)
"""Fewer repetitions than some commands make by themselves, so that all together take about a quarter of an hour.

The first run on a machine also makes the large collection: two minutes.
"""


@dataclass(frozen=True)
class Outcome:
    """How a part ended."""

    command: str
    took_s: float
    problem: str = ""
    """Empty if it ended well."""


def run(parts: Sequence[Part] = PARTS) -> None:
    """Run them one after the other. Raises `SystemExit` if not all ended well."""
    outcomes: list[Outcome] = []
    try:
        for part in parts:
            outcomes.append(_run(part))
    finally:
        save("bench", figures(outcomes, of=len(parts)))
        print(table.write())
        Console().print(times(outcomes))
    if failed := [f"{one.command} ({one.problem})" for one in outcomes if one.problem]:
        raise SystemExit(f"did not end well: {', '.join(failed)}")


def _run(part: Part) -> Outcome:
    begin_s = time.monotonic()
    process = subprocess.Popen([*PROGRAM, *part.command.split()])
    problem = ""
    try:
        if status := process.wait(part.within_s):
            problem = f"status {status}"
    except subprocess.TimeoutExpired:
        _stop(process)
        problem = f"took more than {part.within_s:.0f} s"
    except KeyboardInterrupt:  # which the part has got as well
        _end(process)
        raise
    return Outcome(part.command, time.monotonic() - begin_s, problem)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """As ctrl-C does it."""
    psutil.Process(process.pid).send_signal(signal.SIGINT)
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a part that was interrupted; what is left of it then is killed."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for survivor in psutil.wait_procs(family, timeout=0)[1]:
        survivor.kill()


def figures(outcomes: Sequence[Outcome], *, of: int) -> dict[str, object]:
    """What goes into `latest.json`; no total unless all `of` the parts ended well."""
    is_whole = len(outcomes) == of and not any(one.problem for one in outcomes)
    return {
        "total_s": round(sum(one.took_s for one in outcomes)) if is_whole else None,
        "parts_s": {one.command: round(one.took_s) for one in outcomes},
        "failed": [one.command for one in outcomes if one.problem],
    }


def times(outcomes: Sequence[Outcome]) -> Table:
    """How long each part took, and all together."""
    sheet = Table("benchmark", "took", "", title="The benchmarks")
    for one in outcomes:
        sheet.add_row(one.command, f"{one.took_s:.0f} s", one.problem)
    sheet.add_row("all", f"{sum(one.took_s for one in outcomes) / 60:.1f} min")
    return sheet
