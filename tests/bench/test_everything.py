"""All benchmarks in a row: what becomes of one that fails or takes too long."""

import json
import sys
from pathlib import Path

import pytest

from bench import everything, growth, results, table
from bench.everything import Outcome, Part, figures
from bench.results import save


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that nobody keeps, and a program in place of the benchmarks."""
    monkeypatch.setattr(results, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(table, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(table, "TABLE", tmp_path / "latest.md")
    program = tmp_path / "bench.py"
    program.write_text("import sys, time; time.sleep(60) if sys.argv[1] == 'hang' else sys.exit(sys.argv[1] == 'fail')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(everything, "PROGRAM", (sys.executable, str(program)))


def test_what_fails_or_hangs_is_named_and_the_others_are_run_all_the_same() -> None:
    save("heard", {"p50_ms": 1})
    with pytest.raises(SystemExit, match="fail.*hang"):
        everything.run([Part("fail", 60.0), Part("hang", 0.5), Part("well", 60.0)])
    found = json.loads(results.LATEST.read_text())
    assert found["bench"]["failed"] == ["fail", "hang"]
    assert list(found["bench"]["parts_s"]) == ["fail", "hang", "well"]
    assert found["heard"]["p50_ms"] == 1


def test_what_all_took_is_the_sum_of_the_parts() -> None:
    outcomes = [Outcome("engine", 60.2), Outcome("calls --seconds 20", 200.0)]
    assert figures(outcomes, of=2)["total_s"] == 260


def test_some_of_the_parts_are_not_told_as_all() -> None:
    interrupted, failed = [Outcome("engine", 60.2)], [Outcome("engine", 60.2), Outcome("calls", 1.0, "status 1")]
    assert figures(interrupted, of=2)["total_s"] is None
    assert figures(failed, of=2)["total_s"] is None


def test_so_many_short_calls_are_made_that_growth_can_be_told() -> None:
    survival = next(part.command for part in everything.PARTS if part.command.startswith("survival"))
    assert int(survival.split()[-1]) > growth.SAMPLE_EVERY
