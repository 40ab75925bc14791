"""Who is let in through the HTTP door, and how those are answered who are not."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError

from agent.keys import KeyStore
from web.config import WebConfig
from web.principals import TokenRules

from .guarded import PATHS, FakeKeys, Slow, bearing, guarded, key

EVERY_SCOPE = ("chat", "audio", "embeddings", "metrics", "admin")


@pytest.mark.parametrize(("path", "scope"), PATHS.items())
async def test_each_path_needs_its_own_scope(config: WebConfig, path: str, scope: str) -> None:
    others = [other for other in EVERY_SCOPE if other != scope]
    keys = FakeKeys(key("right", scope) | key("wrong", *others))
    async with guarded(config, keys=keys) as door:
        assert (await door.get(path, headers=bearing("ll_right"))).status == 200
        assert (await door.get(path, headers=bearing("ll_wrong"))).status == 403
        assert (await door.get(path, headers=bearing("ll_unknown"))).status == 401
        assert (await door.get(path)).status == 401


async def test_handlers_are_told_who_asks(config: WebConfig) -> None:
    async with guarded(config, keys=FakeKeys(key())) as door:
        answer = await door.get("/v1/models", headers=bearing("ll_shop"))
        assert (await answer.json())["principal"] == "key:shop"


async def test_a_newcomer_on_this_machine_needs_no_key_until_one_is_made(config: WebConfig, tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db")
    async with guarded(config, keys=store) as door:
        assert (await door.get("/v1/models")).status == 200
        assert (await door.get("/admin/api/calls")).status == 401
        made = store.create("shop", ["chat"])
        assert (await door.get("/v1/models")).status == 401
        assert (await door.get("/v1/models", headers=bearing(made))).status == 200


async def test_a_revoked_key_is_refused_at_once_and_the_door_stays_closed(config: WebConfig, tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db")
    made = store.create("shop", ["chat"])
    async with guarded(config, keys=KeyStore(tmp_path / "keys.db")) as door:
        assert (await door.get("/v1/models", headers=bearing(made))).status == 200
        store.revoke("shop")
        assert (await door.get("/v1/models", headers=bearing(made))).status == 401
        assert (await door.get("/v1/models")).status == 401


async def test_a_door_that_others_can_reach_is_never_open(config: WebConfig) -> None:
    async with guarded(config, open_on_loopback=False) as door:
        assert (await door.get("/v1/models")).status == 401


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Host": "evil.example"}, {"Host": "a b"}],
)
async def test_what_came_through_a_proxy_or_by_a_bent_name_needs_a_key(
    config: WebConfig, headers: dict[str, str]
) -> None:
    async with guarded(config) as door:
        assert (await door.get("/v1/models", headers=headers)).status == 401


async def test_the_page_of_another_site_cannot_use_an_open_door(config: WebConfig) -> None:
    async with guarded(config) as door:
        assert (await door.post("/chat", data="x", headers={"Origin": "https://evil.example"})).status == 403
        assert (await door.post("/chat", data="x", headers={"Origin": "null"})).status == 403
        assert (await door.post("/chat", data="x", headers={"Origin": str(door.make_url("/").origin())})).status == 200


@pytest.mark.parametrize("broken", [sqlite3.DatabaseError("not a database"), OSError("no")])
async def test_while_keys_cannot_be_read_nobody_is_let_in(config: WebConfig, broken: Exception) -> None:
    async with guarded(config, keys=FakeKeys(broken=broken)) as door:
        assert (await door.get("/v1/models")).status == 503
        assert (await door.get("/v1/models", headers=bearing("ll_shop"))).status == 503


@pytest.mark.parametrize(
    "header", ["Basic bGxfc2hvcA==", "Bearer", "Bearer ", "ll_shop", "Bearer shop", "Bearer a.b.c"]
)
async def test_other_credentials_open_nothing(config: WebConfig, header: str) -> None:
    async with guarded(config, keys=FakeKeys(key())) as door:
        assert (await door.get("/v1/models", headers={"Authorization": header})).status == 401


@pytest.mark.parametrize("credentials", [b"ll_sh\xc3\xb6p", b"ll_\xff", b"a.b.\xc3\xb6", b"\xff.b.c"])
async def test_credentials_in_other_letters_open_nothing(config: WebConfig, tmp_path: Path, credentials: bytes) -> None:
    store = KeyStore(tmp_path / "keys.db")
    store.create("shop", ["chat"])
    tokens = TokenRules("a secret of thirty-two characters or more", "HS256", "https://id.example", "landline")
    async with guarded(config, keys=store, tokens=tokens) as door:
        reader, writer = await asyncio.open_connection(door.server.host, door.server.port)
        writer.write(
            b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + credentials + b"\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        writer.close()


async def test_the_page_and_the_health_checks_are_for_everybody(config: WebConfig) -> None:
    async with guarded(config, keys=FakeKeys(key()), open_on_loopback=False) as door:
        for path in ("/", "/health", "/assets/index-1a2b3c.js"):
            assert (await door.get(path)).status == 200, path
        assert (await door.post("/api/session", json={})).status == 200
        assert (await door.get("/nowhere")).status == 404


@pytest.mark.parametrize("path", ["/v1//models", "/v1/%6dodels", "/V1/models", "/v1/models/", "/v1/./models"])
async def test_no_spelling_of_a_path_gets_round_the_guard(config: WebConfig, path: str) -> None:
    async with guarded(config, keys=FakeKeys(key())) as door:
        assert (await door.get(path)).status in (401, 404)


async def test_refusals_have_openais_shape_under_v1_and_the_doors_own_elsewhere(config: WebConfig) -> None:
    async with guarded(config, keys=FakeKeys(key("shop", "audio"))) as door:
        refused = await door.get("/v1/models")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        error = (await refused.json())["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
        error = (await (await door.get("/v1/models", headers=bearing("ll_shop"))).json())["error"]
        assert (error["type"], error["code"]) == ("permission_error", "insufficient_scope")
        assert set((await (await door.get("/models")).json())["error"]) == {"code", "message"}
        error = (await (await door.get("/v1/nothing")).json())["error"]
        assert error["type"] == "invalid_request_error"


async def test_a_key_that_asks_too_often_is_told_when_to_return_and_others_are_served(config: WebConfig) -> None:
    keys = FakeKeys(key() | key("clinic"))
    async with guarded(config, keys=keys, key_per_minute=2) as door:
        answers = [await door.get("/v1/models", headers=bearing("ll_shop")) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert (await answers[-1].json())["error"]["type"] == "rate_limit_error"
        assert (await door.get("/v1/models", headers=bearing("ll_clinic"))).status == 200


async def test_guessing_keys_uses_up_the_address(config: WebConfig) -> None:
    async with guarded(config, keys=FakeKeys(key()), address_per_minute=2) as door:
        statuses = [(await door.get("/v1/models", headers=bearing(f"ll_{guess}"))).status for guess in range(3)]
        assert statuses == [401, 401, 429]


async def test_a_proxy_shares_its_callers_allowances_out(config: WebConfig) -> None:
    trusted = frozenset({"127.0.0.0/8"})
    async with guarded(config, keys=FakeKeys(key()), address_per_minute=1, trusted_proxies=trusted) as door:
        for address, status in (("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.1", 429)):
            headers = bearing("ll_shop") | {"X-Forwarded-For": address}
            assert (await door.get("/v1/models", headers=headers)).status == status


@pytest.mark.parametrize("rules", [{"key_at_once": 1}, {"address_at_once": 1}])
async def test_so_many_requests_run_at_a_time(config: WebConfig, rules: dict[str, int]) -> None:
    slow = Slow()
    async with guarded(config, keys=FakeKeys(key()), slow=slow, **rules) as door:
        first = asyncio.create_task(door.get("/v1/models/slow", headers=bearing("ll_shop")))
        while not slow.running:
            await asyncio.sleep(0)
        refused = await door.get("/v1/models", headers=bearing("ll_shop"))
        assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
        slow.end.set()
        assert (await first).status == 200
        assert (await door.get("/v1/models", headers=bearing("ll_shop"))).status == 200


async def test_a_request_that_runs_too_long_is_ended(config: WebConfig) -> None:
    async with guarded(config, slow=Slow(), max_request_s=0.01) as door:
        refused = await door.get("/v1/models/slow")
        assert refused.status == 504
        error = (await refused.json())["error"]
        assert error["code"] == "took_too_long" and "0.01 s" in error["message"]


async def test_a_stream_that_runs_too_long_is_cut_where_it_is(
    config: WebConfig, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(config, slow=Slow(), max_request_s=0.05) as door:
        stream = await door.get("/v1/models/stream")
        assert await stream.content.readexactly(3) == b"one"
        with pytest.raises(ClientPayloadError):
            await stream.read()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_each_scope_has_its_own_longest_body(config: WebConfig) -> None:
    async with guarded(config, max_text_bytes=10, max_audio_bytes=100) as door:
        assert (await door.post("/chat", data=b"x" * 10)).status == 200
        assert (await door.post("/chat", data=b"x" * 11)).status == 413
        assert (await door.post("/transcribe", data=b"x" * 100)).status == 200
        assert (await door.post("/transcribe", data=b"x" * 101)).status == 413


async def test_a_body_of_unknown_length_is_read_only_as_far_as_the_longest_may_go(config: WebConfig) -> None:
    async def endless() -> object:
        while True:
            yield b"x" * 65536

    for document_bytes in (10, 2**21):
        sizes = {"max_text_bytes": 10, "max_audio_bytes": 2**20, "max_document_bytes": document_bytes}
        async with guarded(config, **sizes) as door:
            assert (await door.post("/chat", data=endless())).status == 411
            assert (await door.post("/transcribe", data=endless())).status == 413


async def test_callers_of_one_address_are_counted_too(config: WebConfig) -> None:
    async with guarded(config, address_per_minute=2) as door:
        statuses = [(await door.delete("/api/session/none")).status for _ in range(3)]
        assert statuses == [204, 204, 429]
        assert (await door.get("/")).status == 200
