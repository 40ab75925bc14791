"""One call's LiveKit session: models behind the engine, turn taking from the settings, nothing that dials out."""

from collections.abc import Callable, Coroutine
from typing import Any

from livekit.agents import AgentSession, APIConnectOptions, TurnHandlingOptions, inference, vad
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io import RoomOptions, TextInputOptions, TextOutputOptions
from livekit.agents.voice.room_io.types import TextInputEvent

from agent.barge_in import Patience
from agent.settings import Settings, TurnSettings
from agent.told_vad import ToldVAD
from agent.turn_detector import AudioTurnDetector, TurnClock, TurnDetector
from agent.turn_end import TurnRules
from plugins.client import EngineClient
from plugins.llama.llm import LLM
from plugins.piper.tts import TTS
from plugins.whisper.stt import STT, OnVoice

OnText = Callable[[AgentSession[None], TextInputEvent], Coroutine[Any, Any, None]]

NEVER_S = 1e9
CLOSE_TRANSCRIPT_S = 0.2
"""How long the end of a call waits for the transcript of a last half-word."""
QUICK_RETRY = APIConnectOptions(max_retry=1, retry_interval=0.1, timeout=20)
"""Hides a connection that broke; a longer absence is the assistant's matter."""
MANY = 10_000
"""A call outlives any number of failed turns, and hearing keeps what it could not send."""
STEADY_RETRY = APIConnectOptions(max_retry=MANY, retry_interval=0.25, timeout=10)


def build_vad(turn: TurnSettings) -> vad.VAD:
    """The voice activity detector of the settings; costs about 25 ms, so it is made before the call."""
    if turn.vad == "silero":
        from livekit.plugins import silero

        return silero.VAD.load(min_silence_duration=turn.min_silence_s)
    return inference.VAD(min_silence_duration=turn.min_silence_s)


def build_session(
    settings: Settings,
    engine: EngineClient,
    detector: vad.VAD,
    *,
    call_id: str,
    on_decoded: Callable[[float], None] | None = None,
    on_voice: OnVoice | None = None,
) -> AgentSession[None]:
    """A session with models of its own: LiveKit's model objects tell everything to every session they serve.

    What the language model has read is kept in the engine under `call_id` from turn to turn. `on_decoded` is told the
    milliseconds that each transcript took, `on_voice` what the voice activity detector finds.
    """
    language, answer = settings.models.language, settings.answer
    clock, told = turn_clock(settings), ToldVAD(detector)
    session = AgentSession[None](
        stt=STT(
            engine,
            vad=detector,
            language=None if language == "auto" else language,
            on_decoded=on_decoded,
            on_voice=_each(told.tell, on_voice),
        ),
        llm=LLM(engine, call_id=call_id, temperature=answer.temperature, max_tokens=answer.max_tokens),
        tts=TTS(engine),
        vad=told,
        use_tts_aligned_transcript=True,
        turn_handling=turn_handling(settings.turn, clock),
        aec_warmup_duration=settings.turn.echo_guard_s,
        user_away_timeout=None,
        session_close_transcript_timeout=CLOSE_TRANSCRIPT_S,
        conn_options=SessionConnectOptions(
            stt_conn_options=STEADY_RETRY,
            llm_conn_options=QUICK_RETRY,
            tts_conn_options=QUICK_RETRY,
            max_unrecoverable_errors=MANY,
        ),
    )
    clock.watch(session)
    return session


def _each(first: OnVoice, second: OnVoice | None) -> OnVoice:
    def both(event: vad.VADEvent) -> None:
        first(event)
        if second:
            second(event)

    return both


def patience(turn: TurnSettings) -> Patience:
    """How long the agent listens to a sound before it gives way."""
    return Patience(speech_s=turn.interruption_min_s)


def turn_clock(settings: Settings) -> TurnClock:
    """What the settings say about the end of a turn."""
    turn = settings.turn
    rules = TurnRules(finished_s=turn.min_delay_s, open_s=turn.open_delay_s, longest_s=turn.max_delay_s)
    return TurnClock(rules, detection_s=turn.min_silence_s, language=settings.models.language)


def turn_handling(turn: TurnSettings, clock: TurnClock) -> TurnHandlingOptions:
    """When a turn ends and what interrupts. Every mode is named: LiveKit's defaults may choose hosted services."""
    detectors: dict[str, Any] = {"words": TurnDetector, "v1-mini": AudioTurnDetector}
    return TurnHandlingOptions(
        turn_detection=detectors[turn.detector](clock) if turn.detector in detectors else "vad",
        endpointing={"mode": "fixed", "min_delay": turn.min_delay_s, "max_delay": turn.max_delay_s},
        interruption={
            "mode": "vad",
            "min_duration": NEVER_S,  # `agent/overhearing.py` does that
            "resume_false_interruption": False,
        },
        preemptive_generation={"enabled": True, "preemptive_tts": True},
    )


def room_options(on_text: OnText) -> RoomOptions:
    """Text through `on_text`, and an end for the room when the call ends."""
    return RoomOptions(
        audio_input=False,  # `agent/hearing.py` is
        audio_output=False,  # `agent/playout.py` is
        text_input=TextInputOptions(text_input_cb=on_text),
        text_output=TextOutputOptions(sync_transcription=False),  # `agent/pacing.py` does that
        delete_room_on_close=True,
    )
