"""Calls that broke: which go on, which end, and how often."""

from pathlib import Path

import aiohttp
import pytest

from agent.call_record import NOBODY, CallRecord, CallRecords
from agent.rescue import LAUNCH_S, Rescue, Step, next_step


class Rooms:
    """A LiveKit server with callers in its rooms; notes what is done to them."""

    def __init__(self, *callers: str) -> None:
        self.callers = set(callers)
        self.is_away = False
        self.done: list[tuple[str, ...]] = []

    async def has_caller(self, room: str) -> bool:
        if self.is_away:
            raise aiohttp.ClientError
        return room in self.callers

    async def remove(self, room: str, identity: str) -> None:
        self.done.append(("remove", room, identity))

    async def dispatch(self, room: str) -> None:
        self.done.append(("dispatch", room))

    async def end(self, room: str) -> None:
        self.done.append(("end", room))


class Scene:
    """Records, a server and a clock; `room` is a call that broke."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.records = CallRecords(folder / "calls")
        self.rooms = Rooms("room")
        self.rescue = Rescue(self.records, self.rooms, watch=folder / "watch", clock=lambda: self.now)
        self.take_on(resumed_at_s=())

    def take_on(self, *, resumed_at_s: tuple[float, ...]) -> None:
        """A process took the call on, and died."""
        self.records.write(CallRecord("room", agent="agent-1", process=7, resumed_at_s=resumed_at_s))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_a_broken_call_gets_a_new_agent_instead_of_the_dead_one(scene: Scene) -> None:
    await scene.rescue.look()
    assert scene.rooms.done == [("remove", "room", "agent-1"), ("dispatch", "room")]
    record = scene.records.read("room")
    assert record and (record.process, record.resumed_at_s) == (NOBODY, (1000.0,))


async def test_a_call_that_lives_is_left_alone(scene: Scene) -> None:
    assert scene.records.lock("room").take()
    await scene.rescue.look()
    assert scene.rooms.done == []


async def test_an_agent_on_its_way_is_given_time_to_come(scene: Scene) -> None:
    await scene.rescue.look()
    scene.now += LAUNCH_S / 2
    await scene.rescue.look()
    assert scene.rooms.done.count(("dispatch", "room")) == 1
    scene.now += LAUNCH_S
    await scene.rescue.look()
    assert scene.rooms.done.count(("dispatch", "room")) == 2


async def test_somebody_who_has_just_been_given_a_place_in_line_is_not_sent_for_twice(scene: Scene) -> None:
    scene.records.write(CallRecord("room", waiting_since_s=scene.now))
    await scene.rescue.look()
    assert scene.rooms.done == []
    scene.now += LAUNCH_S
    await scene.rescue.look()
    assert ("dispatch", "room") in scene.rooms.done


async def test_a_call_whose_caller_is_gone_is_forgotten(scene: Scene) -> None:
    scene.rooms.callers.clear()
    await scene.rescue.look()
    assert scene.rooms.done == []
    assert scene.records.rooms() == set()


async def test_a_call_that_breaks_a_third_time_within_a_minute_is_ended(scene: Scene) -> None:
    scene.take_on(resumed_at_s=(950.0, 990.0))
    await scene.rescue.look()
    assert scene.rooms.done == [("end", "room")]
    assert scene.records.rooms() == set()


async def test_livekit_may_be_away_for_a_while(scene: Scene) -> None:
    scene.rooms.is_away = True
    await scene.rescue.look()
    assert scene.records.rooms() == {"room"}
    scene.rooms.is_away = False
    await scene.rescue.look()
    assert ("dispatch", "room") in scene.rooms.done


@pytest.mark.parametrize(
    ("process", "resumed_at_s", "step"),
    [
        (7, (), "resume"),
        (7, (99.0,), "resume"),
        (NOBODY, (99.0,), "wait"),
        (NOBODY, (90.0,), "resume"),
        (7, (80.0, 99.0), "give up"),
        (NOBODY, (80.0, 99.0), "wait"),
        (7, (30.0, 99.0), "resume"),
    ],
)
def test_what_is_done_depends_on_how_often_it_broke(process: int, resumed_at_s: tuple[float, ...], step: Step) -> None:
    assert next_step(CallRecord("room", process=process, resumed_at_s=resumed_at_s), now_s=100.0) == step
