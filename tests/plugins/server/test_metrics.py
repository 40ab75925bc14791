"""What the engine counts."""

import pytest
from prometheus_client import REGISTRY

from plugins.errors import EngineBusy
from plugins.server.metrics import LLM

WANTED = (
    *(f"{stage}_{what}" for stage in ("stt_transcription", "tts_synthesis", "llm_generation")
      for what in ("requests", "errors", "duration_seconds")),
    "stt_audio_duration_seconds", "tts_text_length_chars", "llm_input_tokens", "llm_output_tokens",
    "turn_stage_duration_seconds", "turn_speculations", "engine_fitting_calls",
)  # fmt: skip


def test_every_metric_has_its_name_and_a_sentence() -> None:
    found = {metric.name: metric.documentation for metric in REGISTRY.collect()}
    for name in WANTED:
        assert found[name].endswith("."), name


def test_a_failure_is_counted_by_its_kind() -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("llm_generation_errors_total", {"kind": "EngineBusy"}) or 0.0

    before = count()
    with pytest.raises(EngineBusy), LLM.measure():
        raise EngineBusy("no slot")
    with LLM.measure():
        pass
    assert count() == before + 1
