"""What the engine counts. Names are `stage_quantity_unit`; labels never carry anything that a caller said."""

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from plugins.errors import Superseded

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
ANSWER_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
REAL_TIME = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0)
ABANDONED = (asyncio.CancelledError, GeneratorExit, ConnectionResetError, Superseded)
"""Nobody wanted the rest: a caller who interrupts is no error."""

STT_AUDIO = Histogram(
    "stt_audio_duration_seconds", "Length of each utterance sent to Whisper.", buckets=(0.5, 1, 2, 4, 8, 15, 30)
)
STT_REAL_TIME = Histogram(
    "stt_real_time_factor", "Whisper's time for a batch divided by the length of its audio.", buckets=REAL_TIME
)
ACTIVE_STREAMS = Gauge("stt_active_streams", "Calls with an open transcription socket.")

TTS_TEXT = Histogram(
    "tts_text_length_chars", "Length of each text to be spoken.", buckets=(10, 25, 50, 100, 250, 500, 1000)
)
TTS_REAL_TIME = Histogram(
    "tts_real_time_factor", "The voice's time for a piece of speech divided by its length.", buckets=REAL_TIME
)
TTS_REPEATED = Counter("tts_repeated_clauses_total", "Clauses that were spoken before and not synthesized again.")

LLM_INPUT = Counter("llm_input_tokens_total", "Prompt tokens given to the language model.")
LLM_CACHED = Counter("llm_cached_tokens_total", "Prompt tokens that the language model had read before.")
LLM_OUTPUT = Counter("llm_output_tokens_total", "Tokens that the language model wrote.")
LLM_FIRST_TOKEN = Histogram(
    "llm_first_token_seconds", "Time from a request to the first words of its answer.", buckets=ANSWER_SECONDS
)
LLM_RATE = Histogram(
    "llm_tokens_per_second",
    "Tokens of one answer per second, after its first words.",
    buckets=(5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)

RETRIEVAL = Histogram("retrieval_duration_seconds", "Time for one search in the documents.", buckets=SECONDS)

QUEUE = Gauge("engine_queue_length", "Requests that wait for a model.", ["model"])
BATCH = Histogram(
    "engine_batch_size", "Requests that a model worked on at once.", ["model"], buckets=(1, 2, 3, 4, 6, 8, 12, 16, 32)
)
FITTING = Gauge("engine_fitting_calls", "Calls that are answered within the target at a time.")
ERRORS = Counter("engine_errors_total", "Requests that the engine could not fulfil, by the error's code.", ["kind"])
REPORTED = Counter(
    "reported_errors_total", "What the door (web) and calls (worker) could not do, by kind.", ["process", "kind"]
)
REQUESTS = Counter("engine_http_requests_total", "Requests to the engine, by route and status.", ["route", "status"])

CALLS = Gauge("calls_active", "Calls that run now, by the door they came through.", ["door"])
TURNS = Counter("turns_total", "Finished turns; interrupted ones and those answered twice also.", ["door", "outcome"])
HEARD = Histogram(
    "turn_heard_latency_seconds",
    "From a caller's last sound to the agent's first, as far as the agent can know.",
    ["door"],
    buckets=ANSWER_SECONDS,
)
TURN_STAGE = Histogram(
    "turn_stage_duration_seconds",
    "Time for each stage of a finished turn, as the agent measured it; `answered` is until the answer begins, `whole` "
    "until its text is complete.",
    ["stage", "door"],
    buckets=ANSWER_SECONDS,
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

    def __init__(self, errors: Counter) -> None:
        self._errors = errors
        self._begin_s = time.perf_counter()
        self._first_s: float | None = None
        self._has_failed = False

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self._begin_s

    def failed(self, error: BaseException) -> None:
        """Count what went wrong, once, unless nobody wanted the result any more."""
        if not self._has_failed and not isinstance(error, ABANDONED):
            self._has_failed = True
            self._errors.labels(kind=type(error).__name__).inc()

    def wrote(self) -> None:
        """A piece of a language model's answer has come."""
        if self._first_s is None:
            self._first_s = self.seconds
            LLM_FIRST_TOKEN.observe(self._first_s)

    def tokens(self, *, received: int, sent: int, cached: int = 0) -> None:
        """Count the tokens of a generation that is over."""
        LLM_INPUT.inc(received)
        LLM_CACHED.inc(cached)
        LLM_OUTPUT.inc(sent)
        writing_s = self.seconds - (self._first_s or 0.0)
        if self._first_s is not None and sent > 1 and writing_s > 0:
            LLM_RATE.observe((sent - 1) / writing_s)


class Stage:
    """Requests, errors and durations of one kind of work."""

    def __init__(self, prefix: str, noun: str) -> None:
        self._requests = Counter(f"{prefix}_requests_total", f"{noun} asked for.")
        self._errors = Counter(f"{prefix}_errors_total", f"{noun} that failed, by kind of error.", ["kind"])
        self._duration = Histogram(f"{prefix}_duration_seconds", f"Time for one of: {noun}.", buckets=SECONDS)

    @contextmanager
    def measure(self) -> Generator[Measured]:
        """Count one request, its time and what it raised. What is caught inside the block is told to `failed`."""
        self._requests.inc()
        measured = Measured(self._errors)
        try:
            yield measured
        finally:
            self._duration.observe(measured.seconds)
            if error := sys.exception():
                measured.failed(error)


STT = Stage("stt_transcription", "Transcriptions")
TTS = Stage("tts_synthesis", "Speech syntheses")
LLM = Stage("llm_generation", "Language model answers")
LLM_AHEAD = Stage("llm_read_ahead", "Prompts read before their answers were wanted")
