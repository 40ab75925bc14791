"""One trace a turn, as a collector receives it."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.settings import TraceSettings
from agent.tracing import Span, Traces, address, open_traces, spans, whole

TOLD: dict[str, Any] = {
    "turn": "item_1",
    "at_s": 1_700_000_000.0,
    "door": "voice",
    "interrupted": False,
    "retried": False,
    "speculation": "used",
    "thrown_away": 1,
    "end_of_turn_ms": 350.0,
    "transcript_ms": 180.0,
    "decode_ms": 40.0,
    "ahead_ms": 400.0,
    "retrieval_ms": 10.0,
    "prefill_ms": 5.0,
    "first_token_ms": 30.0,
    "first_clause_ms": 60.0,
    "first_audio_ms": 50.0,
    "sent_ms": 8.0,
    "answered_ms": 430.0,
}


@dataclass
class Collector:
    """Takes OTLP over HTTP and keeps what it was sent."""

    url: str = ""
    received: list[ExportTraceServiceRequest] = field(default_factory=list[ExportTraceServiceRequest])

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        self.received.append(ExportTraceServiceRequest.FromString(body))
        return web.Response()

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    async with TestServer(app) as server:
        made.url = f"http://{server.host}:{server.port}"
        yield made


def test_stages_lie_where_they_happened() -> None:
    found = {span.name: (span.start_ms, span.end_ms) for span in spans(TOLD)}
    assert found["end_of_turn"] == (0.0, 350.0)
    assert found["decode"] == (140.0, 180.0)
    assert found["retrieval"] == (-50.0, -40.0)
    assert found["first_audio"] == (10.0, 60.0)
    assert found["sent"] == (422.0, 430.0)
    assert whole(TOLD) == Span("turn", -50.0, 430.0)


def test_a_typed_turn_has_the_stages_that_it_had() -> None:
    typed = {"turn": "item_2", "at_s": 1.0, "door": "text", "first_token_ms": 30.0, "answered_ms": 31.0}
    assert [span.name for span in spans(typed)] == ["first_token"]
    assert whole(typed) == Span("turn", 0.0, 31.0)


def test_a_turn_over_http_lasts_until_its_text_is_complete() -> None:
    told = {"turn": "t", "at_s": 1.0, "door": "http", "first_token_ms": 30.0, "answered_ms": 30.0, "whole_ms": 80.0}
    assert whole(told) == Span("turn", 0.0, 80.0)


async def test_a_collector_gets_one_trace_with_a_span_for_each_stage(collector: Collector) -> None:
    traces = Traces(collector.url)
    traces.turn(TOLD, call_id="call-1")
    await traces.aclose()
    roots = [span for span in collector.spans if not span.parent_span_id]
    assert [root.name for root in roots] == ["turn"]
    below = [span for span in collector.spans if span.parent_span_id == roots[0].span_id]
    assert {span.name for span in below} == {span.name for span in spans(TOLD)}
    assert {span.trace_id for span in collector.spans} == {roots[0].trace_id}
    assert roots[0].start_time_unix_nano == 1_700_000_000_000_000_000 - 50_000_000
    attributes = {each.key: each.value for each in roots[0].attributes}
    assert attributes["landline.call"].string_value == "call-1"
    assert attributes["landline.thrown_away"].int_value == 1


async def test_two_turns_are_two_traces(collector: Collector) -> None:
    traces = Traces(collector.url)
    traces.turn(TOLD, call_id="call-1")
    traces.turn(TOLD, call_id="call-1")
    await traces.aclose()
    assert len({span.trace_id for span in collector.spans}) == 2


def test_nothing_is_sent_unless_a_collector_is_named() -> None:
    assert open_traces(TraceSettings(endpoint="")) is None


def test_a_collector_may_be_named_with_or_without_its_path() -> None:
    assert address("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/traces"
    assert address("http://127.0.0.1:4318/v1/traces") == "http://127.0.0.1:4318/v1/traces"
