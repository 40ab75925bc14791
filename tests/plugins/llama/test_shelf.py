"""What a call has read moves to host memory when others need its place, and comes back when it speaks again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.llama.generation import Json
from plugins.llama.model import Delta, Generation, LlamaModel, collect
from plugins.llama.shelf import Shelf, Shelved

STARTER = Path(__file__).parents[3] / "models" / "starter" / "llama.gguf"
LONG = "what is there to see around the lake on a rainy day in autumn? " * 3

LoadModel = Callable[..., LlamaModel]


def said(role: str, text: str) -> Json:
    return {"role": role, "content": text}


async def turn(model: LlamaModel, call_id: str, *messages: Json) -> Delta:
    return await collect(model.generate(Generation(messages=messages, max_tokens=24, call_id=call_id)))


def read(delta: Delta) -> int:
    """Tokens of the prompt that were read for this answer."""
    assert delta.usage
    return delta.usage.prompt_tokens - delta.usage.cached_tokens


@pytest.mark.parametrize("path", [STARTER, None], ids=["starter", "random weights"])
async def test_a_call_that_comes_back_reads_only_what_is_new_and_says_the_same(
    load_model: LoadModel, path: Path | None
) -> None:
    crowded, roomy = load_model(path, slots=1), load_model(path, slots=4)
    first = said("user", f"first caller, {LONG}")
    answers: list[list[Delta]] = []
    for model in (crowded, roomy):
        before = await turn(model, "first", first)
        for number in range(3):
            await turn(model, str(number), said("user", f"caller {number}, {LONG}"))
        again = await turn(model, "first", first, said("assistant", "well"), said("user", "and snow?"))
        answers.append([before, again])
    (_, after_swap), (_, never_moved) = answers
    assert [delta.text for delta in answers[0]] == [delta.text for delta in answers[1]]
    assert read(after_swap) == read(never_moved) < 60


async def test_calls_taking_turns_in_one_place_all_keep_what_they_read(load_model: LoadModel) -> None:
    model = load_model(slots=1)
    questions = {name: said("user", f"{name}: {LONG}") for name in ("one", "two", "three")}
    firsts = {name: await turn(model, name, question) for name, question in questions.items()}
    for name, question in questions.items():
        again = await turn(model, name, question)
        assert (again.text, read(again)) == (firsts[name].text, 1)
    assert model.load().calls_shelved == 2


async def test_a_call_that_was_moved_out_for_want_of_cells_comes_back(load_model: LoadModel) -> None:
    model = load_model(slots=4, context_tokens=512)
    first = await turn(model, "first", said("user", f"first {LONG}"))
    for number in range(3):
        await turn(model, str(number), said("user", f"{number} {LONG}"))
    assert model.load().calls_shelved
    again = await turn(model, "first", said("user", f"first {LONG}"))
    assert (again.text, read(again)) == (first.text, 1)


async def test_a_released_call_leaves_the_shelf(load_model: LoadModel) -> None:
    model = load_model(slots=1)
    await turn(model, "over", said("user", LONG))
    await turn(model, "other", said("user", f"other {LONG}"))
    assert model.load().calls_shelved == 1
    model.release("over")
    await turn(model, "other", said("user", f"other {LONG}"))
    assert model.load().calls_shelved == 0


async def test_what_is_too_large_for_the_shelf_is_read_again(load_model: LoadModel) -> None:
    model = load_model(slots=1, shelf_bytes=1000)
    first = await turn(model, "first", said("user", f"first {LONG}"))
    await turn(model, "other", said("user", f"other {LONG}"))
    again = await turn(model, "first", said("user", f"first {LONG}"))
    assert model.load().calls_shelved == 0
    assert again.text == first.text
    assert read(again) > 100


def shelved(size: int) -> Shelved:
    return Shelved([1, 2, 3], bytearray(size))


def test_the_shelf_gives_a_thing_out_once() -> None:
    shelf = Shelf(100)
    shelf.put("call", mine := shelved(40))
    assert shelf.take("call") is mine
    assert shelf.take("call") is None
    assert shelf.take(None) is None


def test_what_lies_longest_on_a_full_shelf_goes() -> None:
    shelf = Shelf(100)
    for name in ("one", "two", "three"):
        shelf.put(name, shelved(40))
    assert (len(shelf), shelf.take("one")) == (2, None)


def test_a_newer_state_of_a_call_replaces_the_older() -> None:
    shelf = Shelf(100)
    for _ in range(5):
        shelf.put("call", newest := shelved(60))
    assert len(shelf) == 1
    assert shelf.take("call") is newest


def test_nothing_larger_than_the_shelf_is_taken() -> None:
    assert Shelf(100).takes(100)
    assert not Shelf(100).takes(101)
