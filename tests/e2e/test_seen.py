"""What an owner sees of the whole system: one id through all processes, metrics, traces, and the page's own routes."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.caller.conversation import Caller
from agent.caller.ticket import ask_for_ticket
from agent.keys import KeyStore
from tests.system import Landline, free_ports, running
from web.principals import SCOPES

pytestmark = pytest.mark.e2e

OWNERS_KEY = "owners.key"
QUESTION = "what time is breakfast on weekdays"
WITHIN_S = 60
NAMES = (
    "stt_transcription_requests_total", "stt_transcription_errors_total", "stt_transcription_duration_seconds",
    "stt_audio_duration_seconds", "tts_synthesis_requests_total", "tts_synthesis_errors_total",
    "tts_synthesis_duration_seconds", "tts_text_length_chars", "llm_generation_requests_total",
    "llm_generation_errors_total", "llm_generation_duration_seconds", "llm_input_tokens_total",
    "llm_output_tokens_total", "turns_total", "calls_active", "http_requests_total",
)  # fmt: skip


@pytest.fixture(scope="module")
def collector_port() -> int:
    return free_ports(8)[-1]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, collector_port: int) -> Iterator[Landline]:
    """A system that logs JSON and sends traces."""
    folder: Path = tmp_path_factory.mktemp("seen")
    endpoint = f"http://127.0.0.1:{collector_port}"
    keys = KeyStore(folder / "data" / "keys.db")
    (folder / OWNERS_KEY).write_text(keys.create("owner", SCOPES))
    with running(folder, LOG_FORMAT="json", TRACES_ENDPOINT=endpoint) as system:
        yield system


@pytest.fixture
async def http(seen: Landline) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {(seen.folder / OWNERS_KEY).read_text()}"}
    async with aiohttp.ClientSession(seen.base_url, headers=headers) as session:
        yield session


def lines(system: Landline) -> list[dict[str, Any]]:
    """The log's JSON lines."""
    return [json.loads(line) for line in system.log.splitlines() if line.startswith("{")]


def processes_of(correlation_id: str, system: Landline) -> set[str]:
    """Who has written down something about a request."""
    return {line["process"] for line in lines(system) if line.get("correlation_id") == correlation_id}


async def test_one_id_stands_in_the_logs_of_door_and_engine(seen: Landline, http: aiohttp.ClientSession) -> None:
    headers = {"X-Request-Id": "follow-me-1"}
    async with http.post("/admin/api/search", json={"query": QUESTION}, headers=headers) as response:
        assert response.status == 200
        assert response.headers["X-Request-Id"] == "follow-me-1"
        assert (await response.json())["passages"]
    async with asyncio.timeout(WITHIN_S):
        while processes_of("follow-me-1", seen) != {"web", "engine"}:
            await asyncio.sleep(0.1)
    assert QUESTION not in seen.log


async def test_metrics_of_door_and_engine_have_their_names(seen: Landline, http: aiohttp.ClientSession) -> None:
    async with Caller(await ask_for_ticket(seen.base_url)) as caller:
        await caller.hear_greeting()
        await caller.type(QUESTION)
        async with http.get("/admin/api/now") as response:
            [call] = (await response.json())["calls"]
            assert call["door"] == "voice"
    async with http.get("/metrics") as response:
        text = await response.text()
    assert [name for name in NAMES if f"# HELP {name} " not in text] == []
    assert text.count("# HELP process_cpu_seconds_total ") == 1
    assert caller.ticket.room not in text


@asynccontextmanager
async def collecting(port: int) -> AsyncGenerator[list[Any]]:
    """The spans that a collector at `port` is sent."""
    spans: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        told = ExportTraceServiceRequest.FromString(await request.read())
        spans.extend(s for r in told.resource_spans for scope in r.scope_spans for s in scope.spans)
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with TestServer(app, port=port):
        yield spans


async def until_told(spans: list[Any], *, call_id: str) -> Any:
    """The root span of the first turn of a call."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            for span in spans:
                if any(each.key == "landline.call" and each.value.string_value == call_id for each in span.attributes):
                    return span
            await asyncio.sleep(0.1)


async def test_a_turn_is_one_trace(seen: Landline, collector_port: int) -> None:
    async with collecting(collector_port) as spans:
        async with Caller(await ask_for_ticket(seen.base_url)) as caller:
            await caller.hear_greeting()
            await caller.type(QUESTION)
        root = await until_told(spans, call_id=caller.ticket.room)
    assert {span.name for span in spans if span.parent_span_id == root.span_id} >= {"retrieval", "first_token"}
    assert "breakfast" not in str(spans)


async def test_a_turn_over_http_is_seen_as_others_are(
    seen: Landline, http: aiohttp.ClientSession, collector_port: int
) -> None:
    async with collecting(collector_port) as spans:
        async with http.post("/chat", json={"message": QUESTION}) as response:
            known = (await response.json())["conversation"]
        turn = await until_told(spans, call_id=known)
    below = {span.name for span in spans if span.parent_span_id == turn.span_id}
    assert below >= {"retrieval", "first_token"} and "breakfast" not in str(spans)
    async with http.get("/admin/api/now") as response:
        [call] = [call for call in (await response.json())["calls"] if call["id"] == known]
    assert call["door"] == "http" and {"retrieval", "first_token", "whole"} <= set(call["turns"][0]["stages_ms"])
    async with http.get("/metrics") as response:
        text = await response.text()
    assert 'turns_total{door="http",outcome="answered"}' in text and 'calls_active{door="http"}' in text


async def test_an_uploaded_document_is_found_and_removed(seen: Landline, http: aiohttp.ClientSession) -> None:
    body = "# The lighthouse\n\nThe lighthouse of Quarrel Point opens its gallery at a quarter past four.\n"
    async with http.put("/admin/api/documents/lighthouse.md", data=body) as response:
        assert response.status == 202
    async with asyncio.timeout(WITHIN_S):
        while (await documents(http))["uploads"][0]["state"] in ("waiting", "reading"):
            await asyncio.sleep(0.3)
    listed = await documents(http)
    assert listed["uploads"][0]["result"]["outcome"] == "added", listed["uploads"]
    [lighthouse] = [each for each in listed["documents"] if each["source"].endswith("lighthouse.md")]
    async with http.post("/admin/api/search", json={"query": "when does the lighthouse gallery open"}) as response:
        assert "quarter past four" in (await response.json())["passages"][0]["text"]
    async with http.delete(f"/admin/api/documents/{lighthouse['id']}") as response:
        assert response.status == 204
    assert lighthouse["id"] not in {each["id"] for each in (await documents(http))["documents"]}
    assert not list((seen.folder / "data" / "uploads").glob("*"))


async def documents(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get("/admin/api/documents") as response:
        assert response.status == 200
        return await response.json()
