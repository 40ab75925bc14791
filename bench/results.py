"""`bench/results/latest.json`: the figures of every benchmark, each with the machine and the time."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from rich.console import Console

LATEST = Path(__file__).parent / "results" / "latest.json"
CPU_NAMES = Path("/proc/cpuinfo")

QUIET = 0.02
"""Share of the processors' time that others on the host may take before figures of time mean little."""
_BEGUN_WITH = psutil.cpu_times()

_COUNTED_TWICE = ("guest", "guest_nice")
"""Linux has these in `user` and `nice` too."""

Family = Literal["", "standard"]


def save(section: str, figures: Mapping[str, object], *, family: Family = "") -> None:
    """Replace one benchmark's figures and keep all others; those of a `family` of models are named after it."""
    results = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    others = {name: value for name, value in results.get(section, {}).items() if family_of(name) != family}
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    stamped = {**figures, "machine": machine(), "measured_at": measured_at, "stolen": _stolen()}
    results[section] = others | {f"{family}_{name}" if family else name: value for name, value in stamped.items()}
    LATEST.parent.mkdir(exist_ok=True)
    draft = LATEST.with_suffix(".draft")
    draft.write_text(json.dumps(results, indent=1) + "\n")
    draft.replace(LATEST)  # whole or not at all


def _stolen() -> float:
    """`stolen_share` since this program began; said aloud where it is much."""
    share = stolen_share(_BEGUN_WITH, psutil.cpu_times())
    if share > QUIET:
        Console().print(
            f"Others on this host took {share:.0%} of the processors meanwhile: measure again when it is quiet."
        )
    return round(share, 3)


def stolen_share(before: Any, after: Any) -> float:
    """How much of the processors' time between two `psutil.cpu_times()` a shared host gave to other guests, 0..1."""
    passed = {
        name: getattr(after, name) - getattr(before, name) for name in after._fields if name not in _COUNTED_TWICE
    }
    return passed.get("steal", 0.0) / max(sum(passed.values()), 1e-9)


def family_of(name: str) -> Family:
    """Which models a figure is of; the starter's have plain names."""
    return "standard" if name.startswith("standard_") else ""


def machine() -> str:
    """Processor and cores, such as `Intel(R) Xeon(R) Processor, 2 cores`."""
    lines = CPU_NAMES.read_text().splitlines() if CPU_NAMES.exists() else []  # Linux alone has it
    names = [line for line in lines if line.startswith("model name")]
    name = names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.4999) - 1))]
