"""How often one address may ask, and how much it may send."""

import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from .errors import TooManyRequests

MAX_BODY_BYTES = 16 * 1024
BODY_TIMEOUT_S = 5.0
WINDOW_S = 60.0


class AddressLimiter:
    """Admits `per_minute` requests a minute from one address, all at once or spread.

    Keeps one number per address (when its allowance is whole again) for at most `max_addresses` addresses;
    beyond that the one longest unseen is forgotten.
    """

    def __init__(
        self, *, per_minute: int, max_addresses: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cost_s = WINDOW_S / per_minute
        self._max_addresses = max_addresses
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def admit(self, address: str) -> None:
        """Count one request. Raises `TooManyRequests` with the seconds to wait when the allowance is spent."""
        now = self._clock()
        whole_at = max(now, self._whole_at.get(address, now)) + self._cost_s
        wait_s = whole_at - now - WINDOW_S
        if wait_s > 1e-6:
            raise TooManyRequests("Too many calls from your address. Please wait a moment.", retry_after_s=wait_s)
        self._whole_at[address] = whole_at
        self._whole_at.move_to_end(address)
        if len(self._whole_at) > self._max_addresses:
            self._whole_at.popitem(last=False)


def caller_address(request: web.Request, *, trusted_proxies: frozenset[str]) -> str:
    """The address to count: the peer's, or the one a trusted proxy in front names last."""
    peer = request.remote or "unknown"
    if peer not in trusted_proxies:
        return peer
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return forwarded[-1] if forwarded else peer
