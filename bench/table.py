"""`bench/results/latest.md`: the figures that the README quotes, each beside its goal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.results import LATEST, QUIET

Json = Mapping[str, Any]
TABLE = LATEST.with_suffix(".md")


@dataclass(frozen=True)
class Line:
    """One row: what was measured, where it stands in `latest.json`, how it is written, and the goal.

    The form may name other figures of the same benchmark.
    """

    measure: str
    field: str
    form: str
    goal: str


LINES = (
    Line("heard latency, one call, p50", "heard.p50_ms", "{:.0f} ms", "≤ 500 ms"),
    Line("heard latency, one call, p95", "heard.p95_ms", "{:.0f} ms", "≤ 800 ms"),
    Line("the same models used the usual way, p50", "heard.stock_p50_ms", "{:.0f} ms", ""),
    Line("ratio of the two", "heard.stock_ratio", "{:.2f}", "≤ 0.60"),
    Line("what the documents add to it", "heard.documents_ms", "{:.0f} ms", "< 20 ms"),
    Line("hesitating callers cut off", "heard.cutoff_rate", "{:.0%}", "≤ 5 %"),
    Line("standard shapes, p50", "heard.standard_p50_ms", "{:.0f} ms", "≤ 1200 ms"),
    Line("standard shapes, ratio to the usual way", "heard.standard_stock_ratio", "{:.2f}", "≤ 0.50"),
    Line(
        "simultaneous talking calls in time",
        "calls.at_target",
        "{:.0f}, p95 ≤ {target_ms:.0f} ms",
        "≥ 8, p95 ≤ 1200 ms",
    ),
    Line("private memory of a further call", "calls.private_mb_per_call", "{:.0f} MB", "≤ 60 MB"),
    Line("the same with a set of models for every call", "calls.per_call_engines_mb_per_call", "{:.0f} MB", ""),
    Line("language model: share of the raw batched rate", "engine.llm_batch_efficiency", "{:.2f}", "≥ 0.90"),
    Line("language model: from cancel to a free slot", "engine.cancel_ms", "{:.1f} ms", "one step"),
    Line("right passage among five", "knowledge.recall_at_5", "{:.1%} of {questions}", "≥ 95 %"),
    Line("the same with typos and misheard", "knowledge.recall_at_5_noisy", "{:.1%}", "≥ 90 %"),
    Line("right passage, vectors alone", "knowledge.vector_only_recall_at_5", "{:.1%}", "less"),
    Line("right passage, words alone", "knowledge.text_only_recall_at_5", "{:.1%}", "less"),
    Line("typos and misheard, vectors alone", "knowledge.vector_only_recall_at_5_noisy", "{:.1%}", "less"),
    Line("typos and misheard, words alone", "knowledge.text_only_recall_at_5_noisy", "{:.1%}", "less"),
    Line("answers from documents that are right", "knowledge.correct", "{:.1%}", ""),
    Line("answers whose numbers and names stand in their source", "knowledge.grounded", "{:.1%}", "100 %"),
    Line("questions without an answer that are turned away", "knowledge.abstained", "{:.1%}", ""),
    Line("search in a large collection, p95", "knowledge.query_p95_ms", "{:.1f} ms among {chunks} chunks", "≤ 25 ms"),
    Line("caller speaks to agent ducked", "interrupt.duck_ms", "{:.0f} ms", "≤ 100 ms"),
    Line("caller speaks to agent silent", "interrupt.silent_ms", "{:.0f} ms", "≤ 300 ms"),
    Line("words invented in non-speech", "noise.invented_words", "{:.0f} in {minutes:g} minutes", "0 in 10 minutes"),
    Line("false stops on 30 coughs and backchannels", "noise.false_stops", "{:.0f}", "0"),
    Line("worker killed, conversation goes on", "survival.worker_s", "{:.1f} s", "≤ 3 s"),
    Line("engine killed, conversation goes on", "survival.engine_s", "{:.1f} s", "≤ 10 s"),
    Line("HTTP: first token, p95", "http.ttft_p95_ms", "{:.0f} ms, {conversations} conversations", "≤ 300 ms, 100"),
    Line("HTTP: streams open at once", "http.streams", "{:.0f}, {errors} errors", "≥ 100, 0 errors"),
    Line("HTTP: tokens of all streams together", "http.tokens_per_s", "{:.0f} per second", ""),
    Line("HTTP: a first sentence spoken, p95", "http.speech_first_sentence_p95_ms", "{:.0f} ms", "≤ 150 ms"),
    Line(
        "memory growth over short calls",
        "survival.memory_growth",
        "{:.1%} in the last {counted_calls} of {calls}",
        "≤ 5 % in 450 of 500",
    ),
    Line("all of these benchmarks", "bench.total_s", "{:.0f} s", "< 900 s"),
)


def markdown(results: Mapping[str, Json]) -> str:
    """The table of what has been measured, and on which machine and when."""
    rows = [row for line in LINES if (row := _row(line, results))]
    where = sorted({f"{section['machine']}, {section['measured_at'][:10]}" for section in results.values()})
    head = ["| measure | measured | goal |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", f"Measured on: {'; '.join(where)}.{_disturbance(results)}", ""])


def _disturbance(results: Mapping[str, Json]) -> str:
    """What a reader must know of a machine that was not quiet."""
    shares = [value for section in results.values() for name, value in section.items() if name.endswith("stolen")]
    stolen = max(shares, default=0.0)
    return f" Others on the host took up to {stolen:.0%} of its processors meanwhile." if stolen > QUIET else ""


def _row(line: Line, results: Mapping[str, Json]) -> str:
    section, name = line.field.split(".")
    figures = results.get(section, {})
    value = figures.get(name)
    return "" if value is None else f"| {line.measure} | {line.form.format(value, **figures)} | {line.goal} |"


def write() -> str:
    """Write the table of `latest.json` beside it and return it."""
    text = markdown(json.loads(LATEST.read_text()))
    TABLE.write_text(text)
    return text
