"""What the door counts. Its routes are labelled by their pattern, never by what was asked for.

The engine counts everything about models, calls and turns; this file is the door's alone, because `web` imports none of
our other packages. Its registry is its own, so that both can stand in one answer: no name is in both.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)

REGISTRY = CollectorRegistry()
ProcessCollector(namespace="web", registry=REGISTRY)

REQUESTS = Counter(
    "http_requests_total",
    "Requests to the door, by route, method and status; `cancelled` where the client went away.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from a request to the end of its answer, streams included.",
    ["route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
RUNNING = Gauge("http_requests_running", "Requests that are being answered.", ["route"], registry=REGISTRY)
REFUSED = Counter(
    "admissions_refused_total", "Requests that were turned away, by reason.", ["reason"], registry=REGISTRY
)
WAITING = Gauge(
    "calls_waiting", "Callers who wait for a line, by the door that they came to.", ["door"], registry=REGISTRY
)


def exposed() -> str:
    """The door's numbers in Prometheus' text format."""
    return generate_latest(REGISTRY).decode()
