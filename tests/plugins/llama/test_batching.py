"""Many generations at once in one context: nobody's answer changes, and nobody waits for what is not needed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import pytest

from plugins.errors import EngineError, EngineUnavailable, InvalidRequest, ModelError, Superseded
from plugins.llama.cells import Cells
from plugins.llama.model import Delta, Generation, LlamaModel, Priority, Stream, ToolCall, collect
from plugins.server.slots import ModelSlot

Ask = Callable[..., Generation]
LoadModel = Callable[..., LlamaModel]

STARTER = Path(__file__).parents[3] / "models" / "starter" / "llama.gguf"
ENDLESS = 'root ::= "a" root'
COUNTED = " ".join(map(str, range(100)))
COUNTING = f'root ::= "{COUNTED}" end\nend ::= "."'
"""No choice, but the model is asked for every letter."""
TIED = 2
"""Answers, of one question, in which two words may be as likely as each other: then the batch's rounding decides."""
LONG = "what is there to see around the lake on a rainy day in autumn? " * 4


async def begin(model: LlamaModel, generation: Generation) -> Stream:
    """Start a generation and wait until it has written something."""
    stream = model.generate(generation)
    await anext(stream)
    return stream


async def test_eight_answers_at_once_are_the_answers_each_would_get_alone(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    questions = [f"question {'x' * 20 * i} number {i}" for i in range(8)]
    together = await asyncio.gather(*[collect(model.generate(ask(question))) for question in questions])
    alone = [await collect(model.generate(ask(question))) for question in questions]
    assert [delta.text for delta in together] == [delta.text for delta in alone]
    assert len({delta.text for delta in together}) > 1


async def test_callers_of_the_starter_model_get_what_each_would_get_alone(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(STARTER, slots=8)
    questions = ["what time is breakfast", "how much does parking cost", "is there a pool", "may i bring my dog"] * 2
    wishes = [ask(question, call_id=str(number)) for number, question in enumerate(questions)]
    together = await asyncio.gather(*[collect(model.generate(wish)) for wish in wishes])
    alone = [await collect(model.generate(ask(question))) for question in questions]
    same = [one.text == other.text for one, other in zip(together, alone, strict=True)]
    assert sum(same) >= len(same) - TIED, "answers have become mixed"


async def test_answers_of_different_kinds_do_not_mix(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    wishes = [ask(f"say {i}", grammar=f'root ::= "answer {i} and {i * i}"', temperature=i % 2) for i in range(8)]
    answers = await asyncio.gather(*[collect(model.generate(wish)) for wish in wishes])
    assert [delta.text for delta in answers] == [f"answer {i} and {i * i}" for i in range(8)]


async def test_more_requests_than_slots_are_all_answered(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=2)
    wishes = [ask(f"number {i}", grammar=f'root ::= "{i}"') for i in range(12)]
    answers = await asyncio.gather(*[collect(model.generate(wish)) for wish in wishes])
    assert [delta.text for delta in answers] == [str(i) for i in range(12)]
    assert model.load().waiting == 0


async def test_the_urgent_request_overtakes_those_that_wait(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=1)
    order: list[str] = []

    async def answer(name: str, priority: Priority) -> None:
        await collect(model.generate(ask(name, priority=priority, max_tokens=3)))
        order.append(name)

    blocker = await begin(model, ask(grammar=ENDLESS, max_tokens=900, priority=Priority.FINAL))
    waiting = [
        asyncio.create_task(answer("later", Priority.ANSWER)),
        asyncio.create_task(answer("urgent", Priority.FINAL)),
    ]
    while model.load().waiting < 2:
        await asyncio.sleep(0)
    blocker.cancel()
    await asyncio.gather(*waiting)
    assert order == ["urgent", "later"]


async def test_a_speculative_request_gives_its_place_to_a_real_one_and_goes_on_later(
    load_model: LoadModel, ask: Ask
) -> None:
    model = load_model(slots=1)
    wish = ask(grammar='root ::= "' + "guess " * 40 + '"', max_tokens=300, priority=Priority.SPECULATIVE)
    guess = model.generate(wish)
    first = await anext(guess)
    real = await collect(model.generate(ask(grammar='root ::= "real"')))
    assert real.text == "real"
    assert first.text + (await collect(guess)).text == "guess " * 40


async def test_a_caller_waits_behind_no_answer_that_is_read_and_those_go_on_where_they_were(
    load_model: LoadModel, ask: Ask
) -> None:
    model, order = load_model(slots=2), list[str]()
    wishes = [ask(f"question {number}", grammar=COUNTING, max_tokens=400) for number in range(4)]

    async def answered(name: str, stream: Stream) -> str:
        text = (await collect(stream)).text
        order.append(name)
        return text

    readers = [asyncio.create_task(answered("reader", model.generate(wish))) for wish in wishes]
    while (model.load().running, model.load().waiting) != (2, 2):
        await asyncio.sleep(0)
    calls = [ask("caller", call_id=call_id, max_tokens=3, priority=Priority.FINAL) for call_id in ("one", "two")]
    await asyncio.gather(*[answered("caller", model.generate(call)) for call in calls])
    assert order == ["caller"] * 2
    assert await asyncio.gather(*readers) == [f"{COUNTED}."] * 4


async def test_callers_do_not_take_each_others_places(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=1)
    first = await begin(model, ask(grammar=ENDLESS, max_tokens=100, call_id="one", priority=Priority.FINAL))
    second = model.generate(ask(max_tokens=3, call_id="two", priority=Priority.FINAL))
    while not model.load().waiting:
        await asyncio.sleep(0)
    assert (await collect(first)).finish_reason == "length"
    assert (await collect(second)).finish_reason == "length"


async def test_cancelling_frees_the_only_slot(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=1)
    endless = await begin(model, ask(grammar=ENDLESS, max_tokens=900))
    endless.cancel()
    assert (await collect(model.generate(ask(grammar='root ::= "free"')))).text == "free"
    assert [delta async for delta in endless if delta.finish_reason] == []


async def test_closing_a_stream_early_cancels_it(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=1)
    async with aclosing(model.generate(ask(grammar=ENDLESS, max_tokens=900))) as stream:
        await anext(stream)
    assert (await collect(model.generate(ask(grammar='root ::= "free"')))).text == "free"


async def test_a_hundred_replies_cancelled_before_their_first_token_leave_no_trace(
    load_model: LoadModel, ask: Ask
) -> None:
    model = load_model(slots=2)
    for i in range(100):
        model.generate(ask(f"never mind {i}", call_id=f"call {i % 3}")).cancel()
    assert (await collect(model.generate(ask(grammar='root ::= "still here"')))).text == "still here"
    assert (model.load().running, model.load().waiting) == (0, 0)


async def test_a_second_turn_reads_only_what_is_new(load_model: LoadModel) -> None:
    model = load_model()
    history = [{"role": "user", "content": LONG}]
    first = await collect(model.generate(Generation(messages=history, max_tokens=5, call_id="call")))
    history += [{"role": "assistant", "content": "well"}, {"role": "user", "content": "and then?"}]
    second = await collect(model.generate(Generation(messages=history, max_tokens=5, call_id="call")))
    assert first.usage and second.usage
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 1


async def test_the_beginning_that_all_calls_share_is_read_once(load_model: LoadModel) -> None:
    model = load_model()

    async def call(name: str) -> int:
        messages = [{"role": "system", "content": LONG}, {"role": "user", "content": name}]
        delta = await collect(model.generate(Generation(messages=messages, max_tokens=3, call_id=name)))
        model.release(name)
        return delta.usage.cached_tokens if delta.usage else -1

    assert await call("one") == 0
    await call("two")
    assert await call("three") > 200


async def test_an_answer_is_the_same_with_a_copied_beginning(load_model: LoadModel) -> None:
    model, fresh = load_model(), load_model()

    def wish(question: str) -> Generation:
        messages = [{"role": "system", "content": LONG}, {"role": "user", "content": question}]
        return Generation(messages=messages, max_tokens=20, call_id=question)

    for question in ("one", "two", "three"):
        copied = await collect(model.generate(wish(question)))
    assert copied.usage and copied.usage.cached_tokens > 200
    assert copied.text == (await collect(fresh.generate(wish("three")))).text


async def test_a_released_call_is_forgotten(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    await collect(model.generate(ask(LONG, call_id="call")))
    assert model.load().calls_kept == 1
    model.release("call")
    again = await collect(model.generate(ask(LONG, call_id="call")))
    assert again.usage and again.usage.cached_tokens == 0


async def test_without_a_shelf_the_call_that_was_idle_longest_is_forgotten(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=2, shelf_bytes=0)

    async def cached(call_id: str) -> int:
        delta = await collect(model.generate(ask(f"{call_id} {LONG}", call_id=call_id, max_tokens=2)))
        return delta.usage.cached_tokens if delta.usage else -1

    for call_id in ("first", "second", "third"):
        await cached(call_id)
    assert await cached("second") > 200
    assert await cached("first") < 200


async def test_calls_that_need_more_cells_than_there_are_take_turns(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=4, context_tokens=512)
    wishes = [ask(f"{i}{LONG}", max_tokens=60, grammar=ENDLESS, call_id=str(i)) for i in range(4)]
    answers = await asyncio.gather(*[collect(model.generate(wish)) for wish in wishes])
    assert [delta.text for delta in answers] == ["a" * 60] * 4


async def test_the_whole_context_may_go_to_one_call(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=4, context_tokens=512)
    for i in range(4):
        await collect(model.generate(ask(f"{i}{LONG}", max_tokens=2, call_id=str(i))))
    delta = await collect(model.generate(ask("x" * 300, max_tokens=1000, grammar=ENDLESS)))
    assert delta.usage and delta.usage.prompt_tokens + delta.usage.completion_tokens == 512


async def test_a_new_request_of_a_call_takes_the_place_of_the_old_one(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    old = await begin(model, ask(grammar=ENDLESS, max_tokens=900, call_id="call"))
    new = await collect(model.generate(ask(grammar='root ::= "new"', call_id="call")))
    assert new.text == "new"
    with pytest.raises(Superseded):
        await collect(old)


async def test_reading_ahead_for_a_call_waits_for_its_answer(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    answering = await begin(model, ask(grammar=ENDLESS, max_tokens=100, call_id="call"))
    ahead = model.generate(ask("ahead", max_tokens=0, call_id="call", priority=Priority.SPECULATIVE))
    rest, read = await asyncio.gather(collect(answering), collect(ahead))
    assert rest.finish_reason == read.finish_reason == "length"


async def test_one_bad_request_does_not_disturb_its_neighbours(load_model: LoadModel, ask: Ask) -> None:
    model = load_model()
    wishes = [
        ask(grammar='root ::= "good"'),
        ask("x" * 5000),
        ask(grammar="bad"),
        ask(grammar='root ::= "good"'),
    ]
    results = await asyncio.gather(*[collect(model.generate(wish)) for wish in wishes], return_exceptions=True)
    assert [result.text if isinstance(result, Delta) else type(result) for result in results] == [
        "good",
        InvalidRequest,
        InvalidRequest,
        "good",
    ]


class Stumbling:
    """A listener that raises at a `!`."""

    inside = None

    def feed(self, text: str) -> tuple[str, list[ToolCall]]:
        if "!" in text:
            raise ZeroDivisionError
        return text, []

    def finish(self) -> tuple[str, list[ToolCall]]:
        return "", []


@pytest.mark.parametrize("lines", ['"!"', '"!" | "!!"'])
async def test_an_unforeseen_error_in_one_answer_ends_that_one_alone(
    load_model: LoadModel, ask: Ask, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    model = load_model()
    monkeypatch.setattr("plugins.llama.model.listener", lambda style, names: Stumbling())
    neighbour = await begin(model, ask(grammar=ENDLESS, max_tokens=100))
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        await collect(model.generate(ask(grammar=f"root ::= {lines}")))
    assert (await collect(neighbour)).finish_reason == "length"
    assert (await collect(model.generate(ask(grammar='root ::= "good"')))).text == "good"
    assert model.ended is None


async def test_a_model_that_ended_by_itself_is_known_by_its_slot(
    load_model: LoadModel, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model()
    slot = ModelSlot(name="tiny.gguf", tier="starter", load=lambda: model)
    await slot.fill(ThreadPoolExecutor(1))
    assert slot.use() is model and slot.health.state == "ready"
    monkeypatch.setattr(Cells, "claim", lambda cells, tokens, call_id: 1 // 0)
    with pytest.raises(EngineUnavailable):
        await collect(model.generate(ask()))
    assert slot.health.state == "failed" and "has ended" in (slot.health.error or "")
    with pytest.raises(ModelError, match="has ended"):
        slot.use()


async def test_closing_the_model_ends_every_answer_with_an_error(load_model: LoadModel, ask: Ask) -> None:
    model = load_model(slots=1)
    running = await begin(model, ask(grammar=ENDLESS, max_tokens=900))
    waiting = model.generate(ask())
    await asyncio.to_thread(model.close)
    for stream in (running, waiting):
        with pytest.raises(EngineUnavailable):
            await collect(stream)
    with pytest.raises(EngineUnavailable):
        model.generate(ask())
