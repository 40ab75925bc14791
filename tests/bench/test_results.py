"""What is written down of the machine on which something was measured."""

import json
from collections import namedtuple
from pathlib import Path

import pytest

from bench import results
from bench.results import machine, save, stolen_share

Times = namedtuple("Times", ["user", "idle", "steal", "guest"])


def test_what_others_on_the_host_took_is_a_share_of_all_time() -> None:
    assert stolen_share(Times(10, 100, 5, 0), Times(40, 150, 25, 0)) == pytest.approx(0.2)


def test_time_given_to_guests_of_this_machine_counts_once() -> None:
    assert stolen_share(Times(0, 0, 0, 0), Times(50, 40, 10, 50)) == pytest.approx(0.1)


def test_a_machine_that_tells_nothing_of_others_lost_nothing_to_them() -> None:
    mac = namedtuple("Mac", ["user", "idle"])
    assert stolen_share(mac(0, 0), mac(1, 2)) == 0.0


def test_a_machine_without_linuxs_list_of_processors_has_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(results, "CPU_NAMES", tmp_path / "cpuinfo")
    assert machine().endswith(" cores")


def test_figures_that_cannot_be_written_leave_those_of_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "LATEST", tmp_path / "latest.json")
    save("heard", {"p50_ms": 1})

    def fill_the_disk(path: Path, text: str) -> None:
        path.write_bytes(text.encode()[:10])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        save("heard", {"p50_ms": 2})
    assert json.loads(results.LATEST.read_bytes())["heard"]["p50_ms"] == 1
