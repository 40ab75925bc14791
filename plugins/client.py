"""The engine over its socket, for whoever needs a model: LiveKit plugins, the worker, the command line.

    async with EngineClient("unix:run/engine.sock") as engine:
        async for delta in engine.chat([{"role": "user", "content": "Hello"}]):
            ...

Every method raises `EngineUnavailable` when nothing answers and otherwise the error that the engine sent.
Leaving an iterator early closes its connection, which stops the work in the engine.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from plugins.correlation import headers
from plugins.errors import EngineError, EngineUnavailable, Superseded, from_code

Json = dict[str, Any]

CONNECT_TIMEOUT_S = 3.0
SILENCE_TIMEOUT_S = 120.0
"""A peer that sends nothing for this long in the middle of an answer is taken for dead."""


@dataclass(frozen=True)
class WordTime:
    """One written word and when it is spoken, in seconds from the start of its piece of audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SpeechPiece:
    """A piece of synthesized speech: 16-bit mono PCM and the words that it carries."""

    pcm: bytes
    sample_rate_hz: int
    words: tuple[WordTime, ...] = ()


class TranscriptionSocket:
    """Speech in, transcripts out: many utterances on one connection, in order.

    Per utterance: `start`, `send` audio (16 kHz, 16-bit, mono), perhaps `preflight`, then `end` or `cancel`.
    Iterating gives the engine's events as dictionaries until the connection ends.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def start(self) -> None:
        """Open an utterance."""
        await self._command("start")

    async def send(self, pcm: bytes) -> None:
        """Add audio to the open utterance."""
        await self._guarded(self._socket.send_bytes(pcm))

    async def preflight(self) -> None:
        """The caller may have finished: ask for a transcript of everything up to here."""
        await self._command("preflight")

    async def resume(self) -> None:
        """The caller went on speaking after `preflight`; without this, `end` gives the preflight's transcript."""
        await self._command("resume")

    async def end(self) -> None:
        """The utterance is over: ask for its final transcript."""
        await self._command("end")

    async def cancel(self) -> None:
        """Drop the open utterance; nothing more comes of it."""
        await self._command("cancel")

    async def _command(self, kind: str) -> None:
        await self._guarded(self._socket.send_str(json.dumps({"type": kind})))

    async def _guarded(self, sending: Any) -> None:
        try:
            await sending
        except (aiohttp.ClientError, ConnectionError) as error:
            raise EngineUnavailable(f"the engine closed the transcription socket ({error})") from error

    async def __aiter__(self) -> AsyncIterator[Json]:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            event = json.loads(message.data)
            if event["type"] == "error":
                raise from_code(event["code"], event["message"])
            yield event
        if self._socket.close_code != aiohttp.WSCloseCode.OK:
            raise EngineUnavailable("the engine went away during a transcription")


class EngineClient:
    """A connection pool to one engine. `url`: `unix:PATH`, or `http://HOST:PORT`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._base = "http://engine" if url.startswith("unix:") else url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; the client opens new ones if it is used again."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def health(self) -> Json:
        """State of each model: see `GET /health`. A loading engine answers too."""
        return await self._json("GET", "/health", accept=(200, 503))

    async def retrieve(
        self,
        query: str,
        *,
        k: int = 5,
        collection: str = "default",
        title: str = "",
        source: str = "",
        documents: bool = True,
    ) -> Json:
        """Passages and quotable candidates for a question (`knowledge.retrieval.Retrieval` as a dictionary).

        Of the collection only documents of this `title` and from this `source` are searched, if they are named.
        """
        within = {"collection": collection, "title": title, "source": source}
        return await self._json("POST", "/v1/retrieve", json={"query": query, "k": k, "documents": documents} | within)

    async def embed(self, texts: Sequence[str], *, kind: str = "passage") -> list[list[float]]:
        """One normalised vector for each text; `kind` is `query` or `passage`."""
        answer = await self._json("POST", "/v1/embeddings", json={"input": list(texts), "kind": kind})
        return [row["embedding"] for row in answer["data"]]

    async def embedding_model(self) -> tuple[str, int]:
        """Name and dimension of the engine's embedding model."""
        answer = await self._json("POST", "/v1/embeddings", json={"input": "dimension"})
        return answer["model"], len(answer["data"][0]["embedding"])

    async def models(self) -> Json:
        """`GET /v1/models`."""
        return await self._json("GET", "/v1/models")

    async def voices(self) -> Json:
        """`GET /v1/audio/voices`."""
        return await self._json("GET", "/v1/audio/voices")

    async def metrics(self) -> str:
        """`GET /metrics`: Prometheus' text."""
        async with self._reply("GET", "/metrics") as response:
            return await response.text()

    async def transcribe(self, pcm: bytes, *, language: str | None = None) -> Json:
        """What is said in a recording of at most 30 s (16 kHz, 16-bit, mono); callers' speech goes first."""
        query = {"language": language} if language else {}
        return await self._json("POST", "/v1/audio/transcriptions", data=pcm, params=query)

    async def capacity(self, *, calls: int | None = None) -> Json:
        """How many calls there are, how many fit, and the heard latency with `calls`: see `GET /v1/capacity`."""
        return await self._json("GET", "/v1/capacity", params={"calls": str(calls)} if calls else {})

    async def calls(self) -> list[Json]:
        """The calls that run now: see `GET /v1/calls`."""
        return (await self._json("GET", "/v1/calls"))["calls"]

    async def recent(self) -> Json:
        """The last hours minute by minute: see `GET /v1/recent`."""
        return await self._json("GET", "/v1/recent")

    async def documents(self, collection: str) -> list[Json]:
        """The documents of a collection: see `GET /v1/documents`."""
        return (await self._json("GET", "/v1/documents", params={"collection": collection}))["documents"]

    async def report_turn(self, turn: Json) -> None:
        """Have a finished turn counted: see `TurnReport` in `plugins/server/turns.py`."""
        await self._json("POST", "/v1/turns", json=turn)

    async def report_errors(self, kinds: Mapping[str, int], *, process: str) -> None:
        """Have counted what another process could not do, by kind."""
        await self._json("POST", "/v1/errors", json={"process": process, "kinds": dict(kinds)})

    async def report_lost(self, *, turns: int) -> None:
        """Have turns counted that could not be kept."""
        await self._json("POST", "/v1/turns/lost", json={"turns": turns})

    async def release_call(self, call_id: str) -> None:
        """Free what the engine keeps for a call that is over."""
        await self._json("DELETE", f"/v1/calls/{call_id}")

    async def chat(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> AsyncGenerator[Json]:
        """Stream an answer: `{"content": …}`, `{"tool_calls": […]}`, then `{"finish_reason": …, "usage": …}`.

        `options` are the fields of an OpenAI chat request plus `call_id` and `grammar` (GBNF); `None` is left out.
        """
        body = {key: value for key, value in options.items() if value is not None}
        body |= {"messages": list(messages), "stream": True, "stream_options": {"include_usage": True}}
        async with self._stream("/v1/chat/completions", body) as response:
            async for event in _server_sent(response):
                for delta in _chat_deltas(event):
                    yield delta

    async def read_ahead(self, messages: Sequence[Mapping[str, Any]], *, call_id: str) -> None:
        """Have the language model read a prompt whose answer the call will want soon; what it read before, it keeps.

        A request for an answer takes its place at once.
        """
        with suppress(Superseded):
            body = {"messages": list(messages), "call_id": call_id, "max_tokens": 0}
            await self._json("POST", "/v1/chat/completions", json=body)

    async def speak(
        self, text: str, *, voice: str | None = None, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncGenerator[SpeechPiece]:
        """Speech for a text, clause by clause as it is made. Nobody waits for it for another `due_in_s`."""
        body: Json = {"input": text, "speed": speed, "response_format": "pcm", "stream_format": "sse"}
        body["due_in_s"] = due_in_s
        if voice:
            body["voice"] = voice
        async with self._stream("/v1/audio/speech", body) as response:
            async for event in _server_sent(response):
                if event["type"] == "speech.audio.delta":
                    yield _speech_piece(event)

    @asynccontextmanager
    async def transcription(self, language: str | None = None) -> AsyncGenerator[TranscriptionSocket]:
        """A socket for one call's speech. Close it to drop whatever is still being decoded."""
        query = {"language": language} if language else {}
        try:
            socket = await self._open().ws_connect(
                f"{self._base}/v1/audio/stream", params=query, headers=headers(), max_msg_size=0, heartbeat=20
            )
        except (aiohttp.ClientError, OSError) as error:
            raise self._away(error) from error
        async with socket:
            yield TranscriptionSocket(socket)

    async def _json(self, method: str, path: str, *, accept: tuple[int, ...] = (200,), **options: Any) -> Json:
        async with self._reply(method, path, accept=accept, **options) as response:
            return await response.json()

    @asynccontextmanager
    async def _reply(
        self, method: str, path: str, *, accept: tuple[int, ...] = (200,), **options: Any
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        try:
            async with self._open().request(method, self._base + path, headers=headers(), **options) as response:
                if response.status not in accept:
                    raise await _error_from(response)
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from error

    @asynccontextmanager
    async def _stream(self, path: str, body: Json) -> AsyncGenerator[aiohttp.ClientResponse]:
        try:
            async with self._open().post(self._base + path, json=body, headers=headers()) as response:
                if response.status != 200:
                    raise await _error_from(response)
                try:
                    yield response
                finally:
                    response.close()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            path = self.url.removeprefix("unix:") if self.url.startswith("unix:") else None
            connector = aiohttp.UnixConnector(path=path, limit=0) if path else aiohttp.TCPConnector(limit=0)
            limits = aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S, connect=None
            )
            self._session = aiohttp.ClientSession(connector=connector, timeout=limits)
        return self._session

    def _away(self, error: BaseException) -> EngineUnavailable:
        return EngineUnavailable(f"no engine answers at {self.url} ({error or type(error).__name__})")


def _speech_piece(event: Json) -> SpeechPiece:
    words = tuple(WordTime(word["text"], word["start_s"], word["end_s"]) for word in event.get("words", ()))
    return SpeechPiece(base64.b64decode(event["audio"]), event["sample_rate"], words)


def _chat_deltas(event: Json) -> list[Json]:
    """Flatten one chat chunk: text, tool calls, and the end with its usage."""
    deltas: list[Json] = []
    for choice in event.get("choices", ()):
        delta = choice.get("delta", {})
        deltas += [{key: delta[key]} for key in ("content", "tool_calls") if delta.get(key)]
        if choice.get("finish_reason"):
            deltas.append({"finish_reason": choice["finish_reason"]})
    if event.get("usage"):
        deltas.append({"usage": event["usage"]})
    return deltas


async def _server_sent(response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """The JSON events of an SSE body; an `error` event is raised. A body cut short raises `EngineUnavailable`."""
    async for line in _lines(response):
        data = line.strip().removeprefix(b"data: ")
        if not data or line.startswith(b":"):
            continue
        if data == b"[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise from_code(event["error"]["code"], event["error"]["message"])
        yield event
    raise EngineUnavailable("the engine went away in the middle of an answer")


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a body, however long: a clause that nothing divides is one line of sound."""
    begun: list[bytes] = []
    async for data in response.content.iter_any():
        *ended, rest = data.split(b"\n")
        for line in ended:
            yield b"".join([*begun, line])
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


async def _error_from(response: aiohttp.ClientResponse) -> EngineError:
    try:
        error = (await response.json())["error"]
    except (aiohttp.ContentTypeError, json.JSONDecodeError, KeyError):
        return EngineUnavailable(f"the engine answered {response.status} without saying why")
    return from_code(error["code"], error["message"])
