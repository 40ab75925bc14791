"""How many calls may run at once: asked of LiveKit, plus the admissions whose caller is still on the way in.

There are so many lines, and fewer where more calls would be answered too slowly.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from livekit import api

from .config import Fitting
from .errors import LinesBusy, LiveKitAway
from .tokens import Credentials

RESERVATION_S = 30.0
BUSY_RETRY_S = 5.0
LIVEKIT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Reservation:
    """A line that is held until then for a caller, known by their address."""

    until: float
    caller: str


class RoomDirectory(Protocol):
    """Where running calls are looked up."""

    async def occupied(self) -> frozenset[str]:
        """Names of all rooms with a caller in them. Raises `LiveKitAway`."""
        ...


class LiveKitRooms:
    """The rooms of a LiveKit server, through its room API."""

    def __init__(self, *, url: str, credentials: Credentials, http: aiohttp.ClientSession) -> None:
        self._api = api.LiveKitAPI(url, credentials.key, credentials.secret, session=http, failover=False)

    async def occupied(self) -> frozenset[str]:
        """Names of all rooms with a caller in them (LiveKit's count leaves agents out). Raises `LiveKitAway`."""
        try:
            answer = await self._api.room.list_rooms(api.ListRoomsRequest())
        except (aiohttp.ClientError, TimeoutError, api.ServerError) as error:
            raise LiveKitAway("The media server isn't answering. Please try again in a moment.") from error
        return frozenset(room.name for room in answer.rooms if room.num_participants > 0)

    async def reachable(self) -> bool:
        """Whether the server answers and accepts our key."""
        try:
            await self.occupied()
        except LiveKitAway:
            return False
        return True


class Lines:
    """Admits callers up to `capacity` calls at once.

    An admitted caller holds a line from here until LiveKit sees them in their room, and no longer than
    RESERVATION_S if they never come. Rooms whose name doesn't start with `prefix` don't count.
    """

    def __init__(
        self,
        rooms: RoomDirectory,
        *,
        capacity: int,
        prefix: str,
        fitting: Fitting,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rooms = rooms
        self._capacity = capacity
        self._prefix = prefix
        self._fitting = fitting
        self._clock = clock
        self._reserved: dict[str, Reservation] = {}

    async def reserve(self, room: str, *, caller: str = "", ahead: int = 0, at_most: int | None = None) -> None:
        """Hold a line for `room`, leaving one to each of `ahead` callers. Raises `LinesBusy` or `LiveKitAway`.

        Where `at_most` is given, the caller's address may hold no more lines than these whose callers did not come yet.
        """
        fitting = await self._fitting()
        lines = self._capacity if fitting is None else min(fitting, self._capacity)
        occupied = {name for name in await self._rooms.occupied() if name.startswith(self._prefix)}
        now = self._clock()
        self._reserved = {
            name: held for name, held in self._reserved.items() if held.until > now and name not in occupied
        }
        has_too_many = at_most is not None and self.held_for(caller) >= at_most
        if has_too_many or len(occupied) + len(self._reserved) + ahead >= lines:
            raise LinesBusy("All lines are busy.", retry_after_s=BUSY_RETRY_S)
        self._reserved[room] = Reservation(now + RESERVATION_S, caller)

    def held_for(self, caller: str) -> int:
        """How many callers of this address were let in and had not come when a line was last asked for."""
        return sum(held.caller == caller for held in self._reserved.values())
