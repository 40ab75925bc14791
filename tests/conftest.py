"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import Landline, running


@pytest.fixture(scope="session")
def landline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landline]:
    """One whole system for all tests that need one: real LiveKit, engine, worker and web."""
    folder: Path = tmp_path_factory.mktemp("landline")
    with running(folder) as system:
        yield system
