"""What the engine counts."""

import asyncio
from contextlib import suppress
from unittest.mock import Mock

import pytest
from aiohttp import ClientConnectionResetError, web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import REGISTRY

from plugins.correlation import door
from plugins.errors import EngineBusy, ModelError, Superseded
from plugins.llama.model import Delta
from plugins.server.app import create_app
from plugins.server.metrics import LLM
from plugins.server.watching import watched

from .conftest import Bench

WANTED = (
    *(f"{stage}_{what}" for stage in ("stt_transcription", "tts_synthesis", "llm_generation")
      for what in ("requests_total", "errors_total", "duration_seconds")),
    "stt_audio_duration_seconds", "tts_text_length_chars", "llm_input_tokens_total", "llm_output_tokens_total",
    "stt_real_time_factor", "tts_real_time_factor", "llm_first_token_seconds", "llm_tokens_per_second",
    "turns_total", "turn_heard_latency_seconds", "turn_stage_duration_seconds", "turn_speculations_total",
    "engine_queue_length", "engine_batch_size", "engine_fitting_calls", "engine_errors_total", "calls_active",
    "tts_repeated_clauses_total", "llm_cached_tokens_total", "answer_cache_requests_total",
    "engine_http_requests_total",
)  # fmt: skip
LABELS = {"kind", "model", "door", "outcome", "stage", "route", "status", "process"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def exposed(bench: Bench) -> str:
    return await bench.client.metrics()


async def test_every_metric_has_its_name_and_a_sentence(bench: Bench) -> None:
    text = await exposed(bench)
    for name in WANTED:
        helps = [line for line in text.splitlines() if line.startswith(f"# HELP {name} ")]
        assert len(helps) == 1 and helps[0].endswith("."), name


def test_labels_are_from_a_short_list_of_names() -> None:
    ours = [metric for metric in REGISTRY.collect() if not metric.name.startswith(("python_", "process_"))]
    found = {label for metric in ours for sample in metric.samples for label in sample.labels}
    assert found - {"le"} <= LABELS


def test_a_failure_is_counted_by_its_kind() -> None:
    before = value("llm_generation_errors_total", kind="EngineBusy")
    with pytest.raises(EngineBusy), LLM.measure():
        raise EngineBusy("no slot")
    with LLM.measure():
        pass
    assert value("llm_generation_errors_total", kind="EngineBusy") == before + 1


@pytest.mark.parametrize("end", [asyncio.CancelledError, Superseded])
def test_what_nobody_wanted_any_more_is_no_error(end: type[BaseException]) -> None:
    with pytest.raises(end), LLM.measure():
        raise end
    assert value("llm_generation_errors_total", kind=end.__name__) == 0


async def test_an_answer_that_fails_in_mid_stream_is_counted_once(bench: Bench) -> None:
    before = value("llm_generation_errors_total", kind="ModelError"), value("engine_errors_total", kind="model_error")
    bench.llama.answer = [Delta(text="Hello "), ModelError("broken")]
    with pytest.raises(ModelError):
        async for _ in bench.client.chat([{"role": "user", "content": "hi"}]):
            pass
    after = value("llm_generation_errors_total", kind="ModelError"), value("engine_errors_total", kind="model_error")
    assert after == (before[0] + 1, before[1] + 1)


async def test_an_answer_tells_its_first_token_and_its_tokens(bench: Bench) -> None:
    before = value("llm_first_token_seconds_count"), value("llm_cached_tokens_total")
    async for _ in bench.client.chat([{"role": "user", "content": "hi"}]):
        pass
    assert value("llm_first_token_seconds_count") == before[0] + 1
    assert value("llm_cached_tokens_total") == before[1] + 3


async def test_speech_and_hearing_tell_their_real_time_factors(bench: Bench) -> None:
    before = value("tts_real_time_factor_count"), value("stt_real_time_factor_count")
    async for _ in bench.client.speak("two words nobody said before"):
        pass
    async with bench.client.transcription() as socket:
        await socket.start()
        await socket.send(bytes(32_000))
        await socket.end()
        await anext(aiter(socket))
    assert value("tts_real_time_factor_count") > before[0]
    assert value("stt_real_time_factor_count") > before[1]


async def test_routes_are_counted_by_their_pattern_never_by_what_was_asked(bench: Bench) -> None:
    await bench.client.release_call("call-with-a-name")
    text = await exposed(bench)
    assert 'route="/v1/calls/{call_id}",status="200"' in text
    assert "call-with-a-name" not in text


@pytest.mark.parametrize("is_there", [True, False])
async def test_who_hangs_up_is_no_error(bench: Bench, is_there: bool) -> None:
    async def write(request: web.Request) -> web.StreamResponse:
        raise ClientConnectionResetError("Cannot write to closing transport")

    transport = Mock(is_closing=Mock(return_value=not is_there))
    request = make_mocked_request("GET", "/", app=create_app(bench.engine), transport=transport)
    before = value("engine_errors_total", kind="internal")
    with suppress(ConnectionError):
        await watched(request, write)
    assert value("engine_errors_total", kind="internal") == before + is_there


async def test_a_listening_call_is_active_at_its_door(bench: Bench) -> None:
    door.set("phone")
    async with bench.client.transcription():
        assert 'calls_active{door="phone"} 1.0' in await exposed(bench)
