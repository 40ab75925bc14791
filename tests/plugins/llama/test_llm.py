"""The LiveKit plugin against an engine that is a script."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    function_tool,
    llm,
)

from plugins.client import EngineClient
from plugins.errors import EngineBusy, EngineError, EngineUnavailable, InvalidRequest, Superseded
from plugins.llama.llm import LLM

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 8},
}
END = [{"finish_reason": "stop"}, {"usage": USAGE}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "opening_hours", "arguments": '{"day": "Sunday"}'}}
TWICE_AT_ONCE = APIConnectOptions(max_retry=1, retry_interval=0.0)

Script = Sequence[Mapping[str, Any] | EngineError]


@dataclass
class ScriptedEngine(EngineClient):
    """Gives the deltas of one script for each request; an error in a script is raised."""

    scripts: list[Script]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def chat(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> AsyncGenerator[dict[str, Any]]:
        self.requests.append({"messages": list(messages), **options})
        try:
            for delta in self.scripts.pop(0):
                if isinstance(delta, EngineError):
                    raise delta
                yield dict(delta)
            if not self.scripts and "forever" in options:
                await asyncio.Event().wait()
        finally:
            self.stopped.set()


def conversation(question: str = "When do you open?") -> llm.ChatContext:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="Be brief.")
    context.add_message(role="user", content=question)
    return context


@function_tool
async def opening_hours(day: str) -> str:
    """When the house is open.

    Args:
        day: A day of the week.
    """
    return f"On {day} from nine to five."


async def test_text_arrives_in_deltas_and_usage_at_the_end() -> None:
    engine = ScriptedEngine([[{"content": "At "}, {"content": "nine."}, *END]])
    async with LLM(engine).chat(chat_ctx=conversation()) as stream:
        chunks = [chunk async for chunk in stream]
    assert [chunk.delta.content for chunk in chunks if chunk.delta] == ["At ", "nine."]
    usage = chunks[-1].usage
    assert usage and (usage.prompt_tokens, usage.completion_tokens, usage.prompt_cached_tokens) == (12, 3, 8)


async def test_how_long_the_prompt_was_read_comes_with_the_usage() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "prefill_ms": 4.5}
    async with LLM(ScriptedEngine([[{"usage": usage}]])).chat(chat_ctx=conversation()) as stream:
        chunks = [chunk async for chunk in stream]
    assert [chunk.delta.extra for chunk in chunks if chunk.delta] == [{"prefill_ms": 4.5}]


async def test_the_request_carries_the_conversation_and_the_session_s_options() -> None:
    engine = ScriptedEngine([END])
    model = LLM(engine, call_id="call-7", temperature=0.5, max_tokens=80)
    await model.chat(chat_ctx=conversation(), extra_kwargs={"grammar": 'root ::= "x"', "max_tokens": 9}).collect()
    request = engine.requests[0]
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert {key: request[key] for key in ("call_id", "temperature", "max_tokens", "grammar", "tools")} == {
        "call_id": "call-7",
        "temperature": 0.5,
        "max_tokens": 9,
        "grammar": 'root ::= "x"',
        "tools": None,
    }


async def test_tools_are_offered_in_openai_s_shape_and_calls_come_back() -> None:
    engine = ScriptedEngine([[{"tool_calls": [CALL]}, {"finish_reason": "tool_calls"}, {"usage": USAGE}]])
    answer = await LLM(engine).chat(chat_ctx=conversation(), tools=[opening_hours], tool_choice="required").collect()
    assert engine.requests[0]["tools"][0]["function"]["name"] == "opening_hours"
    assert engine.requests[0]["tool_choice"] == "required"
    [call] = answer.tool_calls
    assert (call.name, call.arguments, call.call_id) == ("opening_hours", '{"day": "Sunday"}', "call_1")


async def test_a_session_runs_the_tool_and_answers_with_its_result() -> None:
    engine = ScriptedEngine([[{"tool_calls": [CALL]}, *END], [{"content": "Nine to five."}, *END]])
    agent = Agent(instructions="Be brief.", tools=[opening_hours])
    async with AgentSession(llm=LLM(engine), vad=None, turn_handling={"turn_detection": None}) as session:
        await session.start(agent)
        result = await session.run(user_input="And on Sunday?")
    result.expect.next_event().is_function_call(name="opening_hours", arguments={"day": "Sunday"})
    result.expect.next_event().is_function_call_output(output="On Sunday from nine to five.")
    result.expect.next_event().is_message(role="assistant")
    result.expect.no_more_events()
    assert engine.requests[1]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "On Sunday from nine to five.",
    }


async def test_closing_the_stream_stops_the_engine() -> None:
    engine = ScriptedEngine([[{"content": "On and on"}]])
    stream = LLM(engine).chat(chat_ctx=conversation(), extra_kwargs={"forever": True})
    await anext(stream)
    await stream.aclose()
    assert engine.stopped.is_set()


async def test_an_engine_that_was_away_is_asked_again() -> None:
    engine = ScriptedEngine([[EngineUnavailable("away")], [{"content": "Back."}, *END]])
    answer = await LLM(engine).chat(chat_ctx=conversation(), conn_options=TWICE_AT_ONCE).collect()
    assert answer.text == "Back."


async def test_an_answer_that_broke_off_is_not_started_again() -> None:
    engine = ScriptedEngine([[{"content": "At "}, EngineUnavailable("gone")], [{"content": "At nine."}, *END]])
    with pytest.raises(APIConnectionError):
        await LLM(engine).chat(chat_ctx=conversation(), conn_options=TWICE_AT_ONCE).collect()
    assert len(engine.requests) == 1


async def test_an_impossible_request_is_not_repeated() -> None:
    engine = ScriptedEngine([[InvalidRequest("the prompt has 9000 tokens, the model takes 2048 with its answer")]])
    with pytest.raises(APIStatusError, match="9000 tokens") as raised:
        await LLM(engine).chat(chat_ctx=conversation(), conn_options=TWICE_AT_ONCE).collect()
    assert (raised.value.status_code, raised.value.retryable) == (400, False)


async def test_a_busy_engine_is_worth_another_try() -> None:
    engine = ScriptedEngine([[EngineBusy("loading")], [{"content": "Now."}, *END]])
    answer = await LLM(engine).chat(chat_ctx=conversation(), conn_options=TWICE_AT_ONCE).collect()
    assert answer.text == "Now."


async def test_an_answer_that_a_newer_one_replaced_ends_in_silence() -> None:
    engine = ScriptedEngine([[{"content": "At "}, Superseded("newer")]])
    assert (await LLM(engine).chat(chat_ctx=conversation()).collect()).text == "At"


async def test_a_client_of_its_own_is_closed_with_it() -> None:
    async with LLM("unix:run/none.sock") as model:
        assert (model.model, model.provider) == ("local", "landline")


def test_importing_the_plugin_loads_no_model_library() -> None:
    check = "import sys, plugins.llama.llm; print({'llama_cpp', 'torch', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "llama_cpp" not in done.stdout and "torch" not in done.stdout
