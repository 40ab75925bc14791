"""Who has a line of the machine, who waits for one, and what LiveKit is told."""

from pathlib import Path

import pytest

from agent.call_record import NOBODY, CallRecord, CallRecords
from agent.lines import ALMOST_FULL, LAUNCH_S, Lines

MANY = 100
LIVEKIT_LIMIT = 0.7


class Machine:
    """A folder that workers share, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 1000.0
        self.calls = CallRecords(folder / "calls")
        self.waiting = CallRecords(folder / "waiting")

    def lines(self, *, max_calls: int, max_waiting: int = 2) -> Lines:
        """As one of its workers, or of its calls, sees them."""
        return Lines(self.calls, self.waiting, max_calls=max_calls, max_waiting=max_waiting, clock=lambda: self.now_s)

    def runs(self, *rooms: str) -> None:
        """Calls are on record there."""
        for room in rooms:
            self.calls.write(CallRecord(room))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_call_on_its_way_to_a_process_holds_a_line_for_every_worker(machine: Machine) -> None:
    one, other = machine.lines(max_calls=2, max_waiting=0), machine.lines(max_calls=2, max_waiting=0)
    assert one.admit("a", fitting=MANY) == "line"
    assert other.admit("b", fitting=MANY) == "line"
    assert one.admit("c", fitting=MANY) == "none"


def test_a_running_call_is_counted_once(machine: Machine) -> None:
    lines = machine.lines(max_calls=2)
    lines.admit("a", fitting=MANY)
    machine.runs("a")
    assert lines.taken() == 1
    assert lines.admit("b", fitting=MANY) == "line"


def test_an_ended_call_frees_its_line(machine: Machine) -> None:
    lines = machine.lines(max_calls=1)
    lines.admit("a", fitting=MANY)
    machine.runs("a")
    machine.calls.remove("a")
    assert lines.admit("b", fitting=MANY) == "line"


def test_a_call_that_never_started_is_forgotten(machine: Machine) -> None:
    lines = machine.lines(max_calls=1)
    lines.admit("a", fitting=MANY)
    machine.now_s += LAUNCH_S
    assert lines.admit("b", fitting=MANY) == "line"


def test_callers_wait_where_the_engine_carries_no_more_but_a_ticket_is_kept(machine: Machine) -> None:
    machine.runs("a")
    lines = machine.lines(max_calls=4)
    assert lines.admit("b", fitting=1) == "place"
    assert lines.admit("c", fitting=1, has_ticket=True) == "line"


def test_a_caller_with_a_ticket_waits_too_where_there_is_no_line(machine: Machine) -> None:
    machine.runs("a")
    assert machine.lines(max_calls=1).admit("b", fitting=MANY, has_ticket=True) == "place"


def test_no_more_wait_than_may(machine: Machine) -> None:
    machine.runs("a")
    lines = machine.lines(max_calls=1)
    assert [lines.admit(room, fitting=MANY) for room in "bcd"] == ["place", "place", "none"]


def test_nobody_overtakes_those_who_wait(machine: Machine) -> None:
    machine.runs("a")
    lines = machine.lines(max_calls=1)
    lines.admit("b", fitting=MANY)
    machine.calls.remove("a")
    assert lines.admit("c", fitting=MANY) == "place"


def test_who_came_first_is_served_first_whatever_the_room_is_called(machine: Machine) -> None:
    machine.runs("a")
    one, other = machine.lines(max_calls=1), machine.lines(max_calls=1)
    one.admit("z", fitting=MANY)
    machine.now_s += 1
    other.admit("b", fitting=MANY)
    assert other.queue() == ["z", "b"]
    assert not one.advance("z", fitting=MANY)
    machine.calls.remove("a")
    assert not other.advance("b", fitting=MANY)
    assert one.advance("z", fitting=MANY)
    machine.waiting.remove("z")
    assert not other.advance("b", fitting=MANY), "the line is held for z"


def test_a_free_line_is_given_away_only_if_the_engine_carries_one_more_call(machine: Machine) -> None:
    machine.runs("a")
    lines = machine.lines(max_calls=2)
    lines.admit("b", fitting=1)
    assert lines.has_free()
    assert not lines.advance("b", fitting=1)
    assert lines.advance("b", fitting=2)
    assert not lines.has_free()


def test_who_has_the_line_does_not_wait_any_more(machine: Machine) -> None:
    machine.runs("a")
    lines = machine.lines(max_calls=1)
    lines.admit("b", fitting=MANY)
    assert lines.waits("b") and not lines.waits("a")
    machine.runs("b")
    assert not lines.waits("b")


def test_a_worker_that_ends_lets_go_of_its_own(machine: Machine) -> None:
    lines = machine.lines(max_calls=1)
    for room in "bc":
        machine.waiting.write(CallRecord(room, process=7, waiting_since_s=5.0))
    lines.let_go({"b", "elsewhere"})
    let_go, kept = machine.waiting.read("b"), machine.waiting.read("c")
    assert let_go and kept
    assert (let_go.process, let_go.waiting_since_s, kept.process) == (NOBODY, 5.0, 7)


@pytest.mark.parametrize(("calls", "load"), [(0, 0.0), (2, ALMOST_FULL / 2), (4, ALMOST_FULL), (5, ALMOST_FULL)])
def test_livekit_hears_how_many_lines_are_taken(machine: Machine, calls: int, load: float) -> None:
    machine.runs(*map(str, range(calls)))
    assert machine.lines(max_calls=4).load(fitting=4) == pytest.approx(load)


def test_a_worker_whose_engine_can_carry_no_more_is_as_loaded_as_a_full_one(machine: Machine) -> None:
    lines = machine.lines(max_calls=8)
    machine.runs("a")
    assert lines.load(fitting=2) < ALMOST_FULL
    assert lines.load(fitting=0) == ALMOST_FULL
    machine.runs("b")
    assert lines.load(fitting=2) == ALMOST_FULL


def test_livekit_is_sent_elsewhere_first_where_somebody_waits(machine: Machine) -> None:
    machine.waiting.write(CallRecord("b", waiting_since_s=5.0))
    assert machine.lines(max_calls=8).load(fitting=8) == ALMOST_FULL


def test_a_full_machine_can_still_be_sent_a_call_that_broke() -> None:
    assert ALMOST_FULL < LIVEKIT_LIMIT
