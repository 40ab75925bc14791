"""Asking the outside server: time-outs, another try before the first word, and a rest for one that keeps failing."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from plugins.errors import EngineUnavailable, InvalidRequest
from plugins.llama.generation import Delta
from plugins.outside.breaker import Breaker
from plugins.outside.events import Reading, lines_of

logger = logging.getLogger(__name__)

Json = dict[str, Any]

TRIES = 2
WAIT_S = 0.2
"""Between two tries."""
CONNECT_S = 2.0
WRONG_REQUEST = (400, 413, 422)
"""Statuses that say that the request is wrong; every other refusal is the server's own trouble."""

GONE = (400, 404)
"""Statuses by which servers say, among other things, that they have no such model."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the model is. `url` ends in /v1; without a `model` the server's first is asked.

    `first_token_s` is how long the first word may take, `silence_s` how long any later one.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    first_token_s: float = 5.0
    silence_s: float = 15.0


class OutsideModel:
    """Writes answers on an outside server. `write` raises `EngineUnavailable` when that cannot be, for a fall-back."""

    def __init__(self, server: Server, *, breaker: Breaker | None = None) -> None:
        self._server = server
        self._breaker = breaker or Breaker()
        self._http: aiohttp.ClientSession | None = None
        self._model = server.model

    async def aclose(self) -> None:
        """Close every connection."""
        if self._http:
            await self._http.close()

    async def write(self, request: Json) -> AsyncGenerator[Delta]:
        """The answer to an OpenAI chat request. It is tried again as long as nothing of it was given.

        Raises `EngineUnavailable`, or `InvalidRequest` for what the server will not take.
        """
        for left in reversed(range(TRIES)):
            if not self._breaker.admits():
                raise EngineUnavailable("the outside model is left alone for a while")
            has_begun = False
            try:
                async with aclosing(self._attempt(request)) as deltas:
                    async for delta in deltas:
                        has_begun = True
                        yield delta
                self._breaker.succeeded()
                return
            except InvalidRequest:
                self._breaker.succeeded()
                raise
            except (GeneratorExit, asyncio.CancelledError):  # nobody listens any more, for example after a barge-in
                if has_begun:
                    self._breaker.succeeded()
                raise
            except EngineUnavailable as error:
                self._breaker.failed()
                logger.warning("outside model: %s", error, extra={"tries_left": left, "has_begun": has_begun})
                if has_begun or not left:
                    raise
            await asyncio.sleep(WAIT_S)

    async def _attempt(self, request: Json) -> AsyncGenerator[Delta]:
        """One request. The first delta must come within `first_token_s`, connecting and queueing included."""
        try:
            async with asyncio.timeout(self._server.first_token_s) as patience:
                body = request | {"model": await self._name(), "stream": True}
                body["stream_options"] = {"include_usage": True}
                async with self._open().post(f"{self._server.url}/chat/completions", json=body) as response:
                    self._forget_name(response.status)
                    await _check(response)
                    deltas = Reading().deltas(lines_of(response))
                    first = await anext(deltas)
                    patience.reschedule(None)
                    yield first
                    async for delta in deltas:
                        yield delta
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailable(f"no answer from {self._server.url} ({type(error).__name__})") from error

    async def _name(self) -> str:
        """The model to ask for."""
        if not self._model:
            async with self._open().get(f"{self._server.url}/models") as response:
                await _check(response)
                try:
                    self._model = str((await response.json())["data"][0]["id"])
                except (ValueError, LookupError, TypeError) as error:
                    raise EngineUnavailable("the outside server names no model") from error
        return self._model

    def _forget_name(self, status: int) -> None:
        """A server that was restarted may have another first model by now."""
        if status in GONE:
            self._model = self._server.model

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None or self._http.closed:
            server = self._server
            limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=server.silence_s)
            headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
            connector = aiohttp.TCPConnector(limit=0)
            self._http = aiohttp.ClientSession(connector=connector, timeout=limits, headers=headers)
        return self._http


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raises what a refusal means."""
    if response.status in WRONG_REQUEST:
        raise InvalidRequest(f"the outside model does not take this request (status {response.status})")
    if response.status != 200:
        raise EngineUnavailable(f"the outside server answers with status {response.status}")
