"""A model fails: the caller hears an apology, and the turn is tried once more."""

from collections.abc import AsyncIterator

import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError

from agent.apology import is_back, may_pass, with_apology
from agent.phrases import ONE_MOMENT, OUT_OF_ORDER
from plugins.client import EngineClient
from plugins.errors import EngineError, EngineUnavailable, InvalidRequest


class Answers:
    """Makes one answer after the other; an exception among the pieces is raised."""

    def __init__(self, *answers: list[str | Exception]) -> None:
        self.left = list(answers)

    async def __call__(self) -> AsyncIterator[str]:
        for piece in self.left.pop(0):
            if isinstance(piece, Exception):
                raise piece
            yield piece


async def sorry(phrase: str) -> AsyncIterator[str]:
    yield phrase


async def heard(answers: Answers, *, comes_back: bool = True) -> list[str]:
    """What the caller hears."""

    async def come_back() -> bool:
        return comes_back

    return [piece async for piece in with_apology(answers, sorry=sorry, come_back=come_back, what="answer")]


async def test_a_good_answer_needs_no_apology() -> None:
    assert await heard(Answers(["At ", "seven."])) == ["At ", "seven."]


async def test_an_engine_that_comes_back_answers_after_an_apology() -> None:
    answers = Answers([EngineUnavailable("gone")], ["At seven."])
    assert await heard(answers) == [ONE_MOMENT, "At seven."]


async def test_an_answer_that_breaks_off_is_said_again_from_its_beginning() -> None:
    answers = Answers(["At ", APIConnectionError("gone")], ["At ", "seven."])
    assert await heard(answers) == ["At ", ONE_MOMENT, "At ", "seven."]


async def test_an_engine_that_stays_away_is_admitted() -> None:
    answers = Answers([EngineUnavailable("gone")])
    assert await heard(answers, comes_back=False) == [ONE_MOMENT, OUT_OF_ORDER]


async def test_a_second_failure_is_the_last() -> None:
    answers = Answers([EngineUnavailable("gone")], [EngineUnavailable("gone again")])
    assert await heard(answers) == [ONE_MOMENT, OUT_OF_ORDER]


async def test_what_will_not_pass_is_not_waited_for() -> None:
    assert await heard(Answers([InvalidRequest("too long")])) == [OUT_OF_ORDER]


async def test_other_errors_are_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        await heard(Answers([ZeroDivisionError()]))


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        (EngineUnavailable("away"), True),
        (InvalidRequest("too long"), False),
        (APIConnectionError("away", retryable=False), True),
        (APIStatusError("busy", status_code=503), True),
        (APIStatusError("broken model", status_code=500), False),
    ],
)
def test_an_absence_passes_and_a_mistake_does_not(failure: EngineError | APIError, passes: bool) -> None:
    assert may_pass(failure) is passes


class Health(EngineClient):
    """An engine whose health is a list of answers."""

    def __init__(self, *statuses: str) -> None:
        super().__init__("unix:nowhere")
        self.statuses = list(statuses)

    async def health(self) -> dict[str, str]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "away":
            raise EngineUnavailable("away")
        return {"status": status}


async def test_an_engine_is_back_when_all_its_models_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.apology.ASK_EVERY_S", 0)
    engine = Health("away", "loading", "ready")
    assert await is_back(engine)
    assert engine.statuses == ["ready"]


async def test_patience_with_an_engine_ends() -> None:
    assert not await is_back(Health("away"), within_s=0)
