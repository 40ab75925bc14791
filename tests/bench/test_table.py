"""The table that the README quotes."""

from bench.table import LINES, markdown

MEASURED = {"machine": "A processor, 2 cores", "measured_at": "2026-11-21T12:00:00+00:00"}


def test_what_was_measured_stands_beside_its_goal() -> None:
    text = markdown({"heard": {"p50_ms": 431.4, "cutoff_rate": 0.05, **MEASURED}})
    assert "| heard latency, one call, p50 | 431 ms | ≤ 500 ms |" in text
    assert "| hesitating callers cut off | 5% | ≤ 5 % |" in text
    assert "A processor, 2 cores, 2026-11-21" in text


def test_what_was_not_measured_is_left_out() -> None:
    assert len(markdown({"heard": {"p50_ms": 431.4, **MEASURED}}).splitlines()) == 2 + 1 + 2


def test_every_line_has_a_field_of_its_own() -> None:
    assert len({line.field for line in LINES}) == len(LINES)


def test_a_machine_that_was_not_quiet_is_told() -> None:
    text = markdown({"heard": {"stolen": 0.0, **MEASURED}, "calls": {"stolen": 0.12, **MEASURED}})
    assert text.rstrip().endswith("Others on the host took up to 12% of its processors meanwhile.")
    assert "Others" not in markdown({"heard": {"stolen": 0.01, **MEASURED}})
    assert "up to 5%" in markdown({"heard": {"stolen": 0.0, "standard_stolen": 0.05, **MEASURED}})
