"""What the load on the HTTP door comes to."""

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.http import Count, Measured, _bare, different_questions, figures


def test_figures_are_of_all_requests_together() -> None:
    asked = Count(first_ms=[10.0, 20.0, 300.0], errors=1)
    bare = Count(first_ms=[50.0], tokens=900, errors=1)
    with bare.stream(), bare.stream(), bare.stream():
        pass
    result = figures(Measured(asked, bare, bare_s=3.0, spoken_ms=[40.0, 60.0]))
    assert (result["streams"], result["errors"], result["answers"]) == (3, 2, 3)
    assert (result["ttft_p50_ms"], result["ttft_p95_ms"]) == (20, 300)
    assert (result["tokens_per_s"], result["speech_first_sentence_p95_ms"]) == (300, 60)


def test_nobody_asks_what_another_has_asked() -> None:
    texts = different_questions()
    assert len(texts) == len(set(texts))
    assert len(texts) > 600
    assert texts == different_questions()


async def test_answers_that_break_off_are_errors_and_no_open_streams() -> None:
    whole, cut = 'data: {"choices": [{"delta": {"content": "From 7"}, "finish_reason": "stop"}]}', '"error": {}'
    begun = 'data: {"choices": [{"delta": {"content": "From"}, "finish_reason": null}]}'
    answers = iter([f"{begun}\n\n", f"{begun}\n\ndata: {{{cut}}}\n\ndata: [DONE]\n\n", *[f"{whole}\n\n"] * 12])

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=next(answers), content_type="text/event-stream")

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", answer)])
    async with TestServer(app) as server, aiohttp.ClientSession(str(server.make_url("/"))) as http:
        count = await _bare(http, streams=2)
    assert (count.errors, count.open, len(count.first_ms)) == (2, 0, 14)
