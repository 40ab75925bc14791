"""How much the routes read: as much as the owner's settings say, and the refusal says how much that is."""

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.web.api.conftest import Client, FakeAgent, opened
from tests.web.api.test_audio import form, wav

MIB = 2**20


async def test_a_request_as_long_as_the_setting_allows_is_read(agent: FakeAgent, tmp_path: Path) -> None:
    async with opened(agent, tmp_path, max_text_bytes=2 * MIB) as door:
        body = json.dumps({"input": ["x" * 15_000] * 100}).encode()
        assert (await door.post("/v1/embeddings", data=io.BytesIO(body))).status == 200


async def test_a_recording_as_large_as_the_setting_allows_is_read(agent: FakeAgent, tmp_path: Path) -> None:
    async with opened(agent, tmp_path, max_audio_bytes=30 * MIB) as door:
        data = wav(16_000) + bytes(28 * MIB)
        for response in (
            await door.post("/v1/audio/transcriptions", data=form(data)),
            await door.post("/transcribe", data=io.BytesIO(data)),
        ):
            assert response.status == 200, await response.text()


@pytest.mark.parametrize(
    ("path", "sent", "limit"),
    [
        ("/v1/audio/speech", {"json": {"input": "x" * 3000}}, 2000),
        ("/transcribe", {"data": b"x" * 50_001}, 50_000),
    ],
)
async def test_what_is_longer_is_told_the_limit_that_counts(
    agent: FakeAgent, tmp_path: Path, path: str, sent: Any, limit: int
) -> None:
    async with opened(agent, tmp_path, max_text_bytes=2000, max_audio_bytes=50_000) as door:
        response = await door.post(path, **sent)
        assert response.status == 413
        assert f"at most {limit} " in (await response.json())["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/transcribe", "/v1/audio/transcriptions"])
async def test_what_is_not_packed_as_it_says_is_refused(agent: FakeAgent, tmp_path: Path, path: str) -> None:
    headers = {"Content-Encoding": "gzip"}
    if path == "/v1/audio/transcriptions":
        headers["Content-Type"] = "multipart/form-data; boundary=x"
    async with opened(agent, tmp_path) as door:
        response = await door.post(path, data=b"these are plain words", headers=headers)
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid_request")


async def test_a_form_of_unknown_length_ends_at_the_same_limits(agent: FakeAgent, tmp_path: Path) -> None:
    many = aiohttp.FormData({f"field{number}": "x" for number in range(100)})
    for sent, named in ((form(bytes(60_000)), "file: at most 50000"), (many, "at most 64 parts")):
        async with opened(agent, tmp_path, max_audio_bytes=50_000) as door:
            refused = await in_chunks(door, sent)
            assert named in refused


async def in_chunks(door: Client, sent: aiohttp.FormData) -> str:
    """The refusal of a form that does not say how long it is."""
    sent.add_field("last", io.BytesIO(b"x"), filename="x")
    payload = sent()

    async def pieces() -> Any:
        yield await payload.as_bytes()

    headers = {"Content-Type": payload.headers["Content-Type"]}
    response = await door.post("/transcribe", data=pieces(), headers=headers)
    assert response.status == 413
    return (await response.json())["error"]["message"]
