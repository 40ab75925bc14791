"""Calls whose process died go on in another: the same room, the same caller, the same history.

LiveKit sends nobody for an agent that is gone. Whichever worker of a machine gets hold of one lock watches the records
that the machine's own calls keep (`agent/call_record.py`); if it dies, another takes over. The calls of other machines
are the matter of the workers there.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import aiohttp
from livekit import api

from agent.call_record import NOBODY, CallRecord, CallRecords, Lock

logger = logging.getLogger(__name__)

RESUMED = '{"resumed": true}'
"""Metadata of a dispatch into a call that goes on."""
WATCH_EVERY_S = 0.2
LAUNCH_S = 3.0
"""An agent that has not taken its call on after this long is not coming."""
MOST_RESUMPTIONS = 2
"""A call that breaks more often than this within a minute is ended."""
TIMEOUT_S = 3.0

TROUBLE = (aiohttp.ClientError, OSError, api.ServerError)
"""LiveKit does not answer, answers that it cannot, or the record cannot be written."""
Step = Literal["wait", "resume", "give up"]


def next_step(record: CallRecord, *, now_s: float) -> Step:
    """What to do about a call that no process holds."""
    if record.process == NOBODY and now_s - record.sent_for_at_s < LAUNCH_S:
        return "wait"
    return "resume" if record.lately_resumed(now_s=now_s) < MOST_RESUMPTIONS else "give up"


class Switchboard(Protocol):
    """What can be done about a room from outside. Everything raises `TROUBLE`."""

    async def has_caller(self, room: str) -> bool:
        """Whether somebody is there who is no agent."""
        ...

    async def remove(self, room: str, identity: str) -> None:
        """Take a participant out of the room, if it is still there."""
        ...

    async def dispatch(self, room: str) -> None:
        """Send an agent into the room."""
        ...

    async def end(self, room: str) -> None:
        """End the call."""
        ...


class LiveKitSwitchboard:
    """The rooms of a LiveKit server."""

    def __init__(self, livekit: api.LiveKitAPI, *, agent_name: str) -> None:
        self._livekit = livekit
        self._agent_name = agent_name

    async def has_caller(self, room: str) -> bool:
        """A room that LiveKit does not know has nobody in it."""
        try:
            found = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.ServerError as error:
            if error.code == api.ServerErrorCode.NOT_FOUND:
                return False
            raise
        return any(one.kind != api.ParticipantInfo.Kind.AGENT for one in found.participants)

    async def remove(self, room: str, identity: str) -> None:
        """LiveKit would keep a participant that fell silent for some seconds."""
        with suppress(api.ServerError):
            await self._livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))

    async def dispatch(self, room: str) -> None:
        """The agent learns that the call is one that goes on."""
        request = api.CreateAgentDispatchRequest(agent_name=self._agent_name, room=room, metadata=RESUMED)
        await self._livekit.agent_dispatch.create_dispatch(request)

    async def end(self, room: str) -> None:
        """Everybody is out."""
        await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))


class Rescue:
    """Watches `records` while it holds the lock at `watch`."""

    def __init__(
        self,
        records: CallRecords,
        switchboard: Switchboard,
        *,
        watch: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._switchboard = switchboard
        self._watch = Lock(watch)
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled."""
        while not self._watch.take():  # noqa: ASYNC110  # another process cannot set an event here
            await asyncio.sleep(WATCH_EVERY_S)
        try:
            while True:
                await self.look()
                await asyncio.sleep(WATCH_EVERY_S)
        finally:
            self._watch.give_back()

    async def look(self) -> None:
        """Do what is due for every call that broke."""
        await asyncio.gather(*(self._care_for(room) for room in self._records.rooms() if self._is_broken(room)))

    def _is_broken(self, room: str) -> bool:
        return not self._records.is_held(room) and room in self._records.rooms()

    async def _care_for(self, room: str) -> None:
        record = self._records.read(room)
        if record is None:
            self._records.remove(room)
            return
        try:
            match next_step(record, now_s=self._clock()):
                case "resume":
                    await self._resume(record)
                case "give up":
                    await self._give_up(record)
                case "wait":
                    pass
        except TROUBLE as trouble:
            logger.warning("a broken call cannot go on yet: %s", type(trouble).__name__, extra={"correlation_id": room})

    async def _resume(self, record: CallRecord) -> None:
        if not await self._switchboard.has_caller(record.room):
            self._records.remove(record.room)
            return
        logger.warning("a call broke and is handed to another process", extra={"correlation_id": record.room})
        await self._switchboard.remove(record.room, record.agent)
        tries = (*record.resumed_at_s, self._clock())[-MOST_RESUMPTIONS:]
        self._records.write(replace(record, process=NOBODY, resumed_at_s=tries))
        await self._switchboard.dispatch(record.room)

    async def _give_up(self, record: CallRecord) -> None:
        logger.error("a call broke again and again and is ended", extra={"correlation_id": record.room})
        await self._switchboard.end(record.room)
        self._records.remove(record.room)


async def rescue_calls(records: CallRecords, *, url: str, key: str, secret: str, agent_name: str) -> None:
    """Watch the calls of this machine until cancelled."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        livekit = api.LiveKitAPI(url, key, secret, session=http, failover=False)
        await Rescue(records, LiveKitSwitchboard(livekit, agent_name=agent_name), watch=records.watch).run()
