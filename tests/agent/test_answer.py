"""`landline ask`: one question without a call."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from typer.testing import CliRunner

from agent.cli import app
from plugins.errors import EngineBusy, EngineUnavailable
from tests.agent.breakfast import CANDIDATE, PASSAGE, SENTENCE

Json = dict[str, Any]


@dataclass
class FakeEngine:
    """Finds one passage, and says its sentence."""

    searched: list[Json] = field(default_factory=list[Json])
    error: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def retrieve(self, query: str, **options: Any) -> Json:
        if self.error:
            raise self.error
        self.searched.append(options)
        return {"passages": [PASSAGE], "candidates": [CANDIDATE], "answerable": True, "certain": True}

    async def chat(self, messages: object, **_: Any) -> AsyncGenerator[Json]:
        yield {"content": SENTENCE}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr("agent.answer.EngineClient", lambda url: engine)
    monkeypatch.setenv("KNOWLEDGE_COLLECTION", "house")
    return engine


@pytest.mark.parametrize(
    ("options", "searched"),
    [
        ([], ("house", "", "")),
        (["--title", "Menu"], ("house", "Menu", "")),
        (["--collection", "bar", "--title", "Menu", "--source", "a/menu.md"], ("bar", "Menu", "a/menu.md")),
    ],
)
def test_a_question_is_put_to_the_documents_that_are_named(
    engine: FakeEngine, options: list[str], searched: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(app, ["ask", "when is breakfast", *options, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["answer"], [source["title"] for source in told["sources"]]) == (SENTENCE, ["Breakfast"])
    assert [(one["collection"], one["title"], one["source"]) for one in engine.searched] == [searched]


def test_what_cannot_be_a_collection_is_refused_before_the_engine_is_asked(engine: FakeEngine) -> None:
    result = CliRunner().invoke(app, ["ask", "when is breakfast", "--collection", "../up"])
    assert (result.exit_code, engine.searched) == (1, [])
    assert "cannot be a collection" in result.output


def test_only_without_an_engine_the_way_to_start_one_is_told(engine: FakeEngine) -> None:
    for error, is_told in ((EngineUnavailable("nothing answers"), True), (EngineBusy("the models load"), False)):
        engine.error = error
        result = CliRunner().invoke(app, ["ask", "when is breakfast"])
        assert (result.exit_code, str(error) in result.output) == (1, True)
        assert ("landline up" in result.output) == is_told
