"""The engine's transcripts as LiveKit's speech events.

`start_s` is where the utterance begins, `origin_s` where the stream does, both on LiveKit's own time line.
"""

from typing import Any

from livekit.agents import LanguageCode, stt
from livekit.agents.types import TimedString

Json = dict[str, Any]


def interim(event: Json, *, start_s: float, origin_s: float) -> stt.SpeechEvent:
    """Words that may still change; no text takes back what was shown."""
    return _speech_event(stt.SpeechEventType.INTERIM_TRANSCRIPT, event, start_s, origin_s)


def preflight(event: Json, *, start_s: float, origin_s: float) -> stt.SpeechEvent:
    """Words to answer already, if nothing follows."""
    return _speech_event(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, event, start_s, origin_s)


def final(event: Json, *, start_s: float, origin_s: float) -> stt.SpeechEvent:
    """Words that stand."""
    return _speech_event(stt.SpeechEventType.FINAL_TRANSCRIPT, event, start_s, origin_s)


def usage(event: Json) -> stt.SpeechEvent:
    """How much audio a final transcript took."""
    return stt.SpeechEvent(
        stt.SpeechEventType.RECOGNITION_USAGE,
        recognition_usage=stt.RecognitionUsage(audio_duration=event["audio_s"]),
    )


def _speech_event(kind: stt.SpeechEventType, event: Json, start_s: float, origin_s: float) -> stt.SpeechEvent:
    said = event["words"]
    words = [
        TimedString(
            text=word["text"],
            start_time=start_s + word["start_s"],
            end_time=start_s + word["end_s"],
            start_time_offset=origin_s,
        )
        for word in said
    ]
    data = stt.SpeechData(
        language=LanguageCode(event["language"]),
        text=event["text"],
        start_time=start_s + (said[0]["start_s"] if said else 0.0),
        end_time=start_s + (said[-1]["end_s"] if said else event["audio_s"]),
        confidence=event["confidence"],
        words=words or None,
    )
    return stt.SpeechEvent(kind, alternatives=[data])
