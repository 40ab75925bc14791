"""Metrics and correlation ids of the door."""

import logging

import pytest
from prometheus_client import REGISTRY as ENGINES_REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from plugins.server.metrics import CALLS
from web.metrics import REGISTRY

from .conftest import Client, OpenDoor

ENGINES = "# HELP turns_total Finished turns.\n# TYPE turns_total counter\nturns_total 3.0\n"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_every_metric_has_a_sentence() -> None:
    ours = [metric for metric in REGISTRY.collect() if not metric.name.startswith("web_process_")]
    assert {metric.name for metric in ours} >= {"http_requests", "http_request_duration_seconds", "admissions_refused"}
    assert all(metric.documentation.endswith(".") for metric in ours)


async def test_requests_are_counted_by_route_and_status_never_by_path(door: Client) -> None:
    before = value("http_requests_total", route="/api/session/{ticket}", method="DELETE", status="204")
    await door.delete("/api/session/a-secret-ticket")
    await door.get("/what/somebody/typed?said=hello")
    after = value("http_requests_total", route="/api/session/{ticket}", method="DELETE", status="204")
    assert after == before + 1
    text = await (await door.get("/metrics")).text()
    assert 'route="unknown",status="404"' in text
    assert "a-secret-ticket" not in text and "somebody" not in text and "hello" not in text


async def test_unknown_methods_are_not_label_values(door: Client) -> None:
    await door.request("BREW", "/health")
    assert "BREW" not in await (await door.get("/metrics")).text()


async def test_metrics_show_the_doors_and_the_engines(open_door: OpenDoor) -> None:
    async def engine_metrics() -> str:
        return ENGINES

    door = await open_door(engine_metrics=engine_metrics)
    families = {family.name for family in text_string_to_metric_families(await (await door.get("/metrics")).text())}
    assert {"turns", "http_requests", "calls_waiting"} <= families
    assert "turns_total" not in await (await door.get("/metrics?only=web")).text()


async def test_callers_who_wait_are_counted_by_their_door(open_door: OpenDoor) -> None:
    door = await open_door(waiting_by_phone=lambda: 3)
    await door.get("/metrics")
    assert (value("calls_waiting", door="voice"), value("calls_waiting", door="phone")) == (0, 3)


def test_no_name_is_the_doors_and_the_engines() -> None:
    engines = {metric.name for metric in ENGINES_REGISTRY.collect()}
    assert CALLS.describe()[0].name in engines
    assert not engines & {metric.name for metric in REGISTRY.collect()}


async def test_a_refused_admission_is_counted_by_its_reason(open_door: OpenDoor) -> None:
    door = await open_door(sessions_per_minute=1)
    before = value("admissions_refused_total", reason="too_many_requests")
    for _ in range(3):
        await door.post("/api/session", json={})
    assert value("admissions_refused_total", reason="too_many_requests") == before + 2


async def test_what_the_door_cannot_do_is_told_and_what_it_refuses_is_not(
    open_door: OpenDoor,
) -> None:
    failed: list[str] = []
    door = await open_door(failed=failed.append, max_calls=0, max_waiting=0)
    for path in ("/v1/nothing", "/admin/api/now"):
        await door.get(path)
    assert (await door.post("/api/session", json={})).status == 503 and not failed
    away = await open_door(failed=failed.append, livekit_url="ws://127.0.0.1:9")
    assert (await away.post("/api/session", json={})).status == 503
    assert failed == ["livekit_away"]


async def test_a_request_keeps_its_senders_id(open_door: OpenDoor) -> None:
    known: list[str] = []
    door = await open_door(correlate=known.append)
    response = await door.get("/health", headers={"X-Request-Id": "mine-1"})
    assert response.headers["X-Request-Id"] == "mine-1"
    assert known == ["mine-1"]


@pytest.mark.parametrize("given", ["", "with space", "x" * 200, "a;b"])
async def test_a_request_without_a_usable_id_is_given_one(door: Client, given: str) -> None:
    answered = [await door.get("/health", headers={"X-Request-Id": given}) for _ in range(2)]
    ids = {response.headers["X-Request-Id"] for response in answered}
    assert len(ids) == 2 and all(each.startswith("req-") for each in ids)


async def test_the_log_names_route_and_status_and_nothing_else(door: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="web.observing"):
        await door.delete("/api/session/a-secret-ticket")
        await door.get("/health")
    lines = [record for record in caplog.records if record.name == "web.observing"]
    assert [(line.__dict__["route"], line.__dict__["status"]) for line in lines] == [("/api/session/{ticket}", "204")]
    assert "a-secret-ticket" not in str([line.__dict__ for line in lines])
