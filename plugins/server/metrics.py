"""What the engine counts. Names are `stage_quantity_unit`; labels never carry anything that a caller said."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)

STT_AUDIO = Histogram(
    "stt_audio_duration_seconds", "Length of each utterance sent to Whisper.", buckets=(0.5, 1, 2, 4, 8, 15, 30)
)
TTS_TEXT = Histogram(
    "tts_text_length_chars", "Length of each text to be spoken.", buckets=(10, 25, 50, 100, 250, 500, 1000)
)
TTS_REPEATED = Counter("tts_repeated_clauses_total", "Clauses that were spoken before and not synthesized again.")
LLM_INPUT = Counter("llm_input_tokens_total", "Prompt tokens given to the language model.")
LLM_OUTPUT = Counter("llm_output_tokens_total", "Tokens that the language model wrote.")
RETRIEVAL = Histogram("retrieval_duration_seconds", "Time for one search in the documents.", buckets=SECONDS)
ACTIVE_STREAMS = Gauge("stt_active_streams", "Calls with an open transcription socket.")
QUEUE = Gauge("engine_queue_length", "Requests that wait for a model.", ["model"])
FITTING = Gauge("engine_fitting_calls", "Calls that are answered within the target at a time.")
TURN_STAGE = Histogram(
    "turn_stage_duration_seconds",
    "Time for each stage of a finished turn, as the agent measured it; `answered` is the whole.",
    ["stage", "door"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0),
)
SPECULATIONS = Counter(
    "turn_speculations_total",
    "Answers by whether they were begun before the turn was over: used, thrown_away, or none.",
    ["outcome"],
)
ANSWERS_CACHED = Counter(
    "answer_cache_requests_total",
    "Answers that might have been given before, by whether they were: hit, miss.",
    ["outcome"],
)
TURNS_LOST = Counter("conversation_turns_lost_total", "Turns that the conversations' database did not take.")

OUTSIDE = Counter(
    "llm_outside_requests_total",
    "Answers asked of the outside language model: answered, fell_back to the local one, or broke_off.",
    ["outcome"],
)


class Measured:
    """One request being measured."""

    def tokens(self, *, received: int, sent: int) -> None:
        """Count a generation's tokens."""
        LLM_INPUT.inc(received)
        LLM_OUTPUT.inc(sent)


class Stage:
    """Requests, errors and durations of one kind of work."""

    def __init__(self, prefix: str, noun: str) -> None:
        self._requests = Counter(f"{prefix}_requests_total", f"{noun} asked for.")
        self._errors = Counter(f"{prefix}_errors_total", f"{noun} that failed, by kind of error.", ["kind"])
        self._duration = Histogram(f"{prefix}_duration_seconds", f"Time for one of: {noun}.", buckets=SECONDS)

    @contextmanager
    def measure(self) -> Generator[Measured]:
        """Count one request, its time and what it raised."""
        self._requests.inc()
        begin = time.perf_counter()
        try:
            yield Measured()
        finally:
            self._duration.observe(time.perf_counter() - begin)
            if error := sys.exception():
                self._errors.labels(kind=type(error).__name__).inc()


STT = Stage("stt_transcription", "Transcriptions")
TTS = Stage("tts_synthesis", "Speech syntheses")
LLM = Stage("llm_generation", "Language model answers")
LLM_AHEAD = Stage("llm_read_ahead", "Prompts read before their answers were wanted")
