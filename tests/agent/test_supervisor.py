"""The supervisor with real processes: order, restart, one stop for all."""

import asyncio
import errno
import os
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.supervisor import MISSES, REFUSED, Console, Part, Supervisor, pause_before_restart


def part(name: str, code: str, ready: Path, *, after: tuple[str, ...] = ()) -> Part:
    """A Python process; it is ready once `ready` exists."""

    async def is_ready() -> bool:
        return ready.exists()

    return Part(name, (sys.executable, "-c", code), is_ready, after=after)


def touch_and_wait(path: Path) -> str:
    return f"import pathlib, time; pathlib.Path({str(path)!r}).touch(); print('hello', flush=True); time.sleep(60)"


def children() -> list[psutil.Process]:
    """What the supervisor started, without the helpers that libraries start in this process."""
    return [child for child in psutil.Process().children() if os.getpgid(child.pid) == child.pid]


class Lines(list[str]):
    """A console's lines, and waiting for one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console(self.append, is_json=False)

    async def wait_for(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(text in line for line in self) < times:
                await asyncio.sleep(0.01)


async def test_parts_start_in_order_and_one_stop_ends_them_all(tmp_path: Path) -> None:
    lines, stop = Lines(), asyncio.Event()
    first = part("first", touch_and_wait(tmp_path / "first"), tmp_path / "first")
    second = part("second", touch_and_wait(tmp_path / "second"), tmp_path / "second", after=("first",))
    supervisor = Supervisor([second, first], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await supervisor.wait_ready("second")
    order = [line.split()[0] for line in lines if "ready in" in line]
    started = children()
    stop.set()
    await running
    assert order == ["first", "second"]
    assert len(started) == 2 and not any(child.is_running() for child in started)


async def test_a_dead_part_is_started_again_and_its_end_is_told(tmp_path: Path) -> None:
    lines, stop = Lines(), asyncio.Event()
    supervisor = Supervisor([part("frail", touch_and_wait(tmp_path / "up"), tmp_path / "up")], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await lines.wait_for("hello")
    children()[0].kill()
    await lines.wait_for("hello", times=2)
    stop.set()
    await running
    assert any("ended by signal SIGKILL" in line for line in lines)


async def test_a_part_that_no_longer_works_is_started_again_unless_it_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.supervisor.GUARD_EVERY_S", 0.01)
    up, said = tmp_path / "up", deque([False] * (MISSES - 1) + [True] + [False] * MISSES)
    asked = list[bool]()

    async def is_alive() -> bool:
        asked.append(said.popleft() if said else True)
        return asked[-1]

    lines, stop = Lines(), asyncio.Event()
    frozen = replace(part("frozen", touch_and_wait(up), up), is_alive=is_alive)
    running = asyncio.create_task(Supervisor([frozen], lines.console).run(stop))
    await lines.wait_for("no longer works and is killed")
    assert not said, "it was killed before it had owed an answer often enough"
    await lines.wait_for("hello", times=2)
    while not asked[-1]:
        await asyncio.sleep(0.01)
    stop.set()
    await running
    assert sum("is killed" in line for line in lines) == 1


async def test_a_part_that_refuses_to_start_ends_all(tmp_path: Path) -> None:
    lines = Lines()
    refusing = part("picky", f"print('not with this', flush=True); raise SystemExit({REFUSED})", tmp_path / "never")
    other = part("other", touch_and_wait(tmp_path / "up"), tmp_path / "up")
    async with asyncio.timeout(20):
        assert await Supervisor([other, refusing], lines.console).run(asyncio.Event()) == "picky"
    assert sum("not with this" in line for line in lines) == 1 and not children()


async def test_a_part_that_was_ready_once_is_started_again_even_if_it_refuses(tmp_path: Path) -> None:
    go, up = tmp_path / "go", tmp_path / "up"
    code = (
        f"import pathlib, time; pathlib.Path({str(up)!r}).touch(); print('hello', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
        f"raise SystemExit({REFUSED})"
    )
    lines, stop = Lines(), asyncio.Event()
    supervisor = Supervisor([part("picky", code, up)], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await supervisor.wait_ready("picky")
    go.touch()
    await lines.wait_for("hello", times=2)
    stop.set()
    assert await running is None


def not_to_be_run(tmp_path: Path) -> Path:
    """A program of Python that may not be run yet: what stands in it needs no shell."""
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport time; print('hello', flush=True); time.sleep(60)\n")
    return program


@pytest.mark.parametrize("program", ["not there", "not to be run"])
async def test_a_part_whose_program_cannot_be_run_refuses_and_the_reason_is_told(tmp_path: Path, program: str) -> None:
    path = not_to_be_run(tmp_path) if program == "not to be run" else tmp_path / "missing"
    lines, pipes = Lines(), psutil.Process().num_fds()
    broken = Part("broken", (str(path),), _never)
    async with asyncio.timeout(20):
        assert await Supervisor([broken], lines.console).run(asyncio.Event()) == "broken"
    assert any("cannot be started" in line and str(path) in line for line in lines)
    assert psutil.Process().num_fds() <= pipes


async def test_a_part_that_the_system_has_no_room_for_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn, refusals = asyncio.create_subprocess_exec, iter([errno.EMFILE, errno.ENOMEM])

    async def spawn_at_last(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        if (refusal := next(refusals, None)) is not None:
            raise OSError(refusal, os.strerror(refusal))
        return await spawn(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn_at_last)
    monkeypatch.setattr("agent.supervisor.FIRST_PAUSE_S", 0.01)
    lines, stop = Lines(), asyncio.Event()
    supervisor = Supervisor([part("frail", touch_and_wait(tmp_path / "up"), tmp_path / "up")], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await lines.wait_for("hello")
    stop.set()
    assert await running is None
    told = [line.split("│ ")[1] for line in lines]
    assert told[:4] == [
        f"cannot be started: Too many open files ({sys.executable})",
        "starts again in 0.01 s",
        f"cannot be started: Cannot allocate memory ({sys.executable})",
        "starts again in 0.02 s",
    ]


async def test_a_part_that_was_ready_once_is_started_again_even_if_its_program_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, up = not_to_be_run(tmp_path), tmp_path / "up"
    program.chmod(0o700)
    lines, stop = Lines(), asyncio.Event()

    async def is_ready() -> bool:
        return up.exists()

    running = asyncio.create_task(Supervisor([Part("frail", (str(program),), is_ready)], lines.console).run(stop))
    up.touch()
    await lines.wait_for("ready in")
    await lines.wait_for("hello")
    program.chmod(0o600)
    children()[0].kill()
    await lines.wait_for("cannot be started")
    program.chmod(0o700)
    await lines.wait_for("hello", times=2)
    stop.set()
    assert await running is None


async def test_what_a_dead_part_started_dies_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid)); print('spawned', flush=True); time.sleep(60)"
    )
    lines, stop = Lines(), asyncio.Event()
    supervisor = Supervisor([part("parent", code, pid)], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await lines.wait_for("spawned")
    grandchild = psutil.Process(int(pid.read_text()))
    stop.set()
    await running
    _, alive = psutil.wait_procs([grandchild], timeout=5)
    assert not alive


async def test_a_part_that_dies_alone_is_started_again_though_its_children_hold_the_pipe(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('spawned', flush=True);"
        "time.sleep(60)"
    )
    lines, stop = Lines(), asyncio.Event()
    running = asyncio.create_task(Supervisor([part("parent", code, tmp_path / "never")], lines.console).run(stop))
    await lines.wait_for("spawned")
    children()[0].kill()
    await lines.wait_for("spawned", times=2)
    stop.set()
    await running


def finishing(tmp_path: Path) -> Part:
    """A part that is told to end, but finishes its work first: once `go` exists it leaves `done`."""
    up, go, done = (str(tmp_path / name) for name in ("up", "go", "done"))
    code = (
        "import pathlib, signal, time; told = []; signal.signal(signal.SIGTERM, lambda *_: told.append(1));"
        f"pathlib.Path({up!r}).touch()\n"
        f"while not (told and pathlib.Path({go!r}).exists()): time.sleep(0.01)\n"
        f"pathlib.Path({done!r}).touch()"
    )
    return replace(part("busy", code, tmp_path / "up"), patience_s=60.0)


async def test_a_part_may_finish_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.supervisor.GRACE_S", 0.1)
    lines, stop = Lines(), asyncio.Event()
    supervisor = Supervisor([finishing(tmp_path)], lines.console)
    running = asyncio.create_task(supervisor.run(stop))
    await supervisor.wait_ready("busy")
    stop.set()
    await asyncio.sleep(0.5)
    (tmp_path / "go").touch()
    await running
    assert (tmp_path / "done").exists()


async def test_in_a_hurry_nobodys_work_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.supervisor.GRACE_S", 0.1)
    lines, stop, hurry = Lines(), asyncio.Event(), asyncio.Event()
    supervisor = Supervisor([finishing(tmp_path)], lines.console)
    running = asyncio.create_task(supervisor.run(stop, hurry))
    await supervisor.wait_ready("busy")
    hurry.set()
    stop.set()
    await running
    assert any("is killed" in line for line in lines)


@pytest.mark.parametrize(
    ("failures", "lived_s", "pause_s"), [(1, 1, 0.5), (2, 1, 1.0), (3, 1, 2.0), (9, 1, 10.0), (1, 60, 0.0)]
)
def test_pauses_grow_unless_the_part_had_run_steadily(failures: int, lived_s: float, pause_s: float) -> None:
    assert pause_before_restart(failures=failures, lived_s=lived_s) == pause_s


def test_json_lines_pass_and_others_are_wrapped() -> None:
    lines: list[str] = []
    console = Console(lines.append, is_json=True)
    console.show("engine", '{"message": "ready"}')
    console.show("livekit", "plain")
    assert lines == ['{"message": "ready"}', '{"process": "livekit", "message": "plain"}']


async def test_a_part_sees_its_own_environment(tmp_path: Path) -> None:
    lines, stop = Lines(), asyncio.Event()
    shown = Part(
        "shown",
        (sys.executable, "-c", "import os, time; print(os.environ['COLOUR'], flush=True); time.sleep(60)"),
        _never,
        {"COLOUR": "green"},
    )
    running = asyncio.create_task(Supervisor([shown], lines.console).run(stop))
    await lines.wait_for("green")
    stop.set()
    await running
    assert "COLOUR" not in os.environ


async def _never() -> bool:
    return False


async def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    def refuse(_: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    chatty = part("chatty", f"print('hello', flush=True); {touch_and_wait(tmp_path / 'ready')}", tmp_path / "ready")
    supervisor, stop = Supervisor([chatty], Console(refuse, is_json=False)), asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    async with asyncio.timeout(20):
        await supervisor.wait_ready("chatty")
    stop.set()
    assert await running is None
