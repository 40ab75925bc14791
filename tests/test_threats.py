"""THREATS.md names a test for each thing it says is defended."""

import re

from agent.settings import ROOT

LINES = (ROOT / "THREATS.md").read_text().splitlines()
DEFENDED = [line for line in LINES if line.startswith("| ") and not line.startswith("| threat")]


def test_every_line_names_tests_that_there_are() -> None:
    assert DEFENDED
    for line in DEFENDED:
        named = re.findall(r"`([\w/]+\.py)`", line.split("|")[3])
        assert named, line
        for name in named:
            assert (ROOT / "tests" / name).is_file(), name
