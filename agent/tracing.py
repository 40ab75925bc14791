"""One OpenTelemetry trace for each turn, for a collector of the owner's. Times and ids, never what was said.

The turn is the trace's root span; each stage of its waterfall is a span below it. All count from the caller's last
sound, or from the arrival of a typed question.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from agent.settings import TraceSettings

Json = dict[str, Any]

SERVICE = "landline"
TRACES_PATH = "/v1/traces"
EXPORT_TIMEOUT_S = 3.0
FACTS = ("door", "interrupted", "retried", "speculation", "thrown_away")


@dataclass(frozen=True)
class Span:
    """A stretch of a turn, in milliseconds from the caller's last sound; what was made ahead begins before it."""

    name: str
    start_ms: float
    end_ms: float


def spans(told: Json) -> list[Span]:
    """The stages of a turn as `agent.waterfall.stages` tells them, each where it lies in time."""

    def ms(name: str) -> float:
        return float(told.get(f"{name}_ms", 0.0))

    making = ms("end_of_turn") - ms("ahead")
    starts = {
        "end_of_turn": 0.0,
        "transcript": 0.0,
        "decode": max(0.0, ms("transcript") - ms("decode")),
        "retrieval": making,
        "prefill": making + ms("retrieval"),
        "first_token": making,
        "first_clause": making,
        "first_audio": making + ms("first_clause"),
        "sent": max(0.0, ms("answered") - ms("sent")),
    }
    return [Span(name, start, start + ms(name)) for name, start in starts.items() if f"{name}_ms" in told]


def whole(told: Json) -> Span:
    """The turn from its first stage's beginning to the agent's first sound, or to the end of an answer in text."""
    stages = spans(told)
    heard_ms = [float(told.get(name, 0.0)) for name in ("answered_ms", "whole_ms")]
    begin_ms = min(0.0, *(stage.start_ms for stage in stages), 0.0)
    return Span("turn", begin_ms, max(*heard_ms, *(stage.end_ms for stage in stages)))


class Traces:
    """Sends turns to an OTLP collector from a thread of its own; one that is away costs a turn nothing."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(endpoint=address(endpoint), timeout=EXPORT_TIMEOUT_S)
        self._provider = TracerProvider(resource=Resource({"service.name": SERVICE}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE)

    def turn(self, told: Json, *, call_id: str) -> None:
        """Have a finished turn sent."""
        from opentelemetry import trace

        root, silent_at_ns = whole(told), int(told["at_s"] * 1e9)
        facts = {f"landline.{name}": told[name] for name in FACTS if name in told}
        span = self._tracer.start_span(
            root.name,
            context=trace.set_span_in_context(trace.INVALID_SPAN),
            attributes=facts | {"landline.call": call_id, "landline.turn": told["turn"]},
            start_time=_moment(silent_at_ns, root.start_ms),
        )
        below = trace.set_span_in_context(span)
        for stage in spans(told):
            part = self._tracer.start_span(stage.name, context=below, start_time=_moment(silent_at_ns, stage.start_ms))
            part.end(_moment(silent_at_ns, stage.end_ms))
        span.end(_moment(silent_at_ns, root.end_ms))

    async def aclose(self) -> None:
        """Send what is left, for `EXPORT_TIMEOUT_S` at most."""
        await asyncio.to_thread(self._provider.shutdown)


def open_traces(settings: TraceSettings) -> Traces | None:
    """Traces as the settings want them: by default none, and nothing is imported for them."""
    return Traces(settings.endpoint) if settings.endpoint else None


def address(endpoint: str) -> str:
    """Where spans go on a collector of which only host and port may have been named."""
    return endpoint if endpoint.rstrip("/").endswith(TRACES_PATH) else endpoint.rstrip("/") + TRACES_PATH


def _moment(silent_at_ns: int, after_ms: float) -> int:
    return silent_at_ns + round(after_ms * 1e6)
