"""The owner's side, made up: calls, conversations and documents in memory."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from web.admin import Admin
from web.errors import Away

Json = dict[str, Any]

STAGES_MS = {
    "end_of_turn": 350.0,
    "transcript": 180.0,
    "decode": 40.0,
    "ahead": 140.0,
    "retrieval": 12.0,
    "first_token": 45.0,
    "first_clause": 90.0,
    "first_audio": 50.0,
    "sent": 9.0,
    "answered": 430.0,
}
SOURCE = {
    "title": "Breakfast",
    "place": "breakfast.md",
    "passage": "Breakfast is served in the garden room from seven until half past ten.",
    "score": 0.91,
}


def live_turn(at_s: float, **changes: Any) -> Json:
    turn: Json = {"at_s": at_s, "door": "voice", "interrupted": False, "retried": False, "speculation": "used"}
    return turn | {"thrown_away": 1, "stages_ms": STAGES_MS} | changes


def over_http(at_s: float) -> Json:
    stages = {"retrieval": 12.0, "prefill": 8.0, "first_token": 95.0, "answered": 95.0, "whole": 310.0}
    return live_turn(at_s, door="http", speculation="none", thrown_away=0, stages_ms=stages)


@dataclass
class Observatory:
    """Two calls, a conversation over HTTP, models of which one failed, and three hours, a quarter of one bad."""

    is_away: bool = False
    extra_turns: list[Json] = field(default_factory=list[Json])

    async def calls(self) -> list[Json]:
        if self.is_away:
            raise Away("The engine isn't answering.")
        now_s = time.time()
        turns = [live_turn(1_700_000_000.0), live_turn(1_700_000_030.0, door="text", interrupted=True)]
        return [
            {"id": "call-abc", "door": "voice", "since_s": now_s - 95, "turns": [*turns, *self.extra_turns]},
            {"id": "call-of-a-phone", "door": "phone", "since_s": now_s - 4000, "turns": []},
            {"id": "conv-over-http", "door": "http", "since_s": now_s - 60, "turns": [over_http(now_s - 40)]},
        ]

    async def models(self) -> Json:
        def model(name: str, state: str = "ready", error: str | None = None) -> Json:
            return {"state": state, "name": name, "tier": "starter", "error": error}

        models = {
            "whisper": model("whisper"),
            "llama": model("llama.gguf"),
            "piper": model("voice.onnx", "failed", "voice.onnx cannot be read as a model."),
            "embedder": model("all-MiniLM-L6-v2"),
            "knowledge": model("default"),
        }
        return {"status": "degraded", "models": models, "capacity": {"calls": 2, "fits": 8, "predicted_ms": 612.0}}

    async def recent(self) -> Json:
        now_s = time.time()
        minute = int(now_s // 60)
        minutes = [
            {
                "at_s": 60 * (minute - back),
                "turns": 3 + back % 4,
                "median_ms": 420.0 + 5 * (back % 17),
                "slow_ms": 700.0 + 30 * (back % 13),
                "errors": {"engine_busy": back % 5, "internal": 1} if 40 < back < 55 else {},
            }
            for back in range(170, 0, -2)
        ]
        return {"now_s": now_s, "span_s": 10_800, "minutes": minutes}


class Archive:
    """Forty conversations; the newest was interrupted."""

    async def newest(self, *, limit: int, before: str) -> list[Json]:
        every = [
            {
                "id": f"conv-{number}",
                "begun_at": f"2026-01-{1 + number // 20:02}T10:{number % 20:02}:00+00:00",
                "changed_at": f"2026-01-{1 + number // 20:02}T10:{number % 20:02}:30+00:00",
                "turns": 1 + number % 3,
                "doors": ["text", "voice"] if number % 2 else ["voice"],
            }
            for number in reversed(range(40))
        ]
        return [each for each in every if not before or str(each["changed_at"]) < before][:limit]

    async def one(self, conversation_id: str) -> Json | None:
        if not conversation_id.startswith("conv-"):
            return None
        turn: Json = {
            "id": "t1",
            "at": "2026-01-02T10:19:10+00:00",
            "door": "voice",
            "said": "What time is breakfast?",
            "answer": "Breakfast is served from seven. On Sundays it goes on until noon.",
            "heard": "Breakfast is served from seven.",
            "interrupted": True,
            "sources": [SOURCE],
            "latencies_ms": {f"{name}_ms": value for name, value in STAGES_MS.items()},
        }
        typed = turn | {"id": "t2", "door": "text", "said": "And on Sundays?", "interrupted": False, "sources": []}
        typed |= {"answer": "Until noon.", "heard": "Until noon."}
        begun = "2026-01-02T10:19:00+00:00"
        return {"id": conversation_id, "begun_at": begun, "changed_at": begun, "turns": [turn, typed]}


class Library:
    """Documents in a folder; what contains "broken" cannot be read."""

    suffixes = frozenset({".md", ".txt", ".pdf"})
    max_bytes = 2_000_000

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = {"d1": "Breakfast", "d2": "House rules"}

    async def documents(self) -> list[Json]:
        moment = "2026-01-02T10:00:00+00:00"
        return [
            {"id": key, "title": title, "source": f"{title}.md", "ingested_at": moment, "is_uploaded": key > "d2"}
            for key, title in self.kept.items()
        ]

    async def add(self, received: Path, name: str) -> Json:
        if b"broken" in received.read_bytes():
            return {"outcome": "failed", "reason": "There is no text in it."}
        file = received.replace(self.folder / name)
        self.kept[f"d{len(self.kept) + 1}"] = file.stem
        return {"outcome": "added", "chunks": 2, "reason": ""}

    async def remove(self, doc_id: str) -> bool:
        return self.kept.pop(doc_id, None) is not None

    async def search(self, query: str, *, title: str, source: str) -> Json:
        passage = {"title": "Breakfast", "source": "breakfast.md", "position": 0, "page": 3, "score": 0.91}
        is_meant = title in ("", passage["title"]) and source in ("", passage["source"])
        passages = [passage | {"text": SOURCE["passage"]}] if "breakfast" in query and is_meant else []
        return {"passages": passages, "took_ms": 11.5}


def made_up(folder: Path) -> Admin:
    """Everything that the page shows."""
    return Admin(observatory=Observatory(), archive=Archive(), library=Library(folder))
