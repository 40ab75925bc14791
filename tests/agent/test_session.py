"""How a call's session is set up."""

from typing import Any

import pytest
from livekit.agents.voice.room_io import TextInputEvent

from agent.session import (
    build_session,
    build_vad,
    patience,
    room_options,
    turn_clock,
    turn_handling,
)
from agent.settings import Settings, TurnSettings
from agent.turn_detector import AudioTurnDetector, TurnDetector
from plugins.client import EngineClient


def test_nothing_is_left_to_defaults_that_may_dial_out() -> None:
    handling = turn_handling(TurnSettings(), turn_clock(Settings()))
    assert isinstance(handling["turn_detection"], TurnDetector)
    assert handling["interruption"]["mode"] == "vad"


def test_the_local_turn_model_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_DETECTOR", "v1-mini")
    detector = turn_handling(TurnSettings(), turn_clock(Settings()))["turn_detection"]
    assert isinstance(detector, AudioTurnDetector)
    assert detector.model.endswith("mini")


def test_turns_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_DETECTOR", "vad")
    monkeypatch.setenv("TURN_MIN_DELAY_S", "0.5")
    monkeypatch.setenv("TURN_MAX_DELAY_S", "2")
    monkeypatch.setenv("TURN_INTERRUPTION_MIN_S", "0.4")
    handling = turn_handling(TurnSettings(), turn_clock(Settings()))
    assert handling["turn_detection"] == "vad"
    assert (handling["endpointing"]["min_delay"], handling["endpointing"]["max_delay"]) == (0.5, 2)
    assert patience(TurnSettings()).speech_s == 0.4


def test_only_words_that_are_meant_for_the_agent_interrupt_it() -> None:
    handling = turn_handling(TurnSettings(), turn_clock(Settings()))
    assert handling["interruption"]["min_duration"] > 1_000_000


async def test_two_sessions_share_no_model_object() -> None:
    settings, engine = Settings(), EngineClient("unix:nowhere")
    detector = build_vad(settings.turn)
    one, other = (build_session(settings, engine, detector, call_id=name) for name in ("a", "b"))
    assert one.stt is not other.stt and one.llm is not other.llm and one.tts is not other.tts


async def test_a_call_outlives_any_number_of_failed_turns() -> None:
    settings = Settings()
    session = build_session(settings, EngineClient("unix:nowhere"), build_vad(settings.turn), call_id="a")
    assert session.conn_options.max_unrecoverable_errors > 1000


def test_the_room_ends_with_the_call_and_audio_has_its_own_ways() -> None:
    async def on_text(session: Any, event: TextInputEvent) -> None:
        raise AssertionError

    options = room_options(on_text)
    assert options.get_audio_input_options() is options.get_audio_output_options() is None
    assert options.delete_room_on_close
