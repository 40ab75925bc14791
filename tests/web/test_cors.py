"""What pages of other sites may read: lists for the page and for the API, apart from each other."""

import pytest

from web.config import WebConfig

from .guarded import FakeKeys, bearing, guarded, key

SHOP = "https://shop.example"
OTHER = "https://other.example"


def asking(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }


@pytest.mark.parametrize(
    ("rules", "api", "page"),
    [
        ({}, None, None),
        ({"api_origins": frozenset({SHOP})}, SHOP, None),
        ({"page_origins": frozenset({SHOP})}, None, SHOP),
    ],
)
async def test_the_page_and_the_api_have_lists_of_their_own(
    config: WebConfig, rules: dict[str, frozenset[str]], api: str | None, page: str | None
) -> None:
    async with guarded(config, keys=FakeKeys(key()), **rules) as door:
        for path, allowed in (("/v1/models", api), ("/chat", api), ("/api/session", page)):
            answer = await door.options(path, headers=asking(SHOP))
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            assert answer.status == (204 if allowed else 403)
            assert (await door.options(path, headers=asking(OTHER))).status == 403


async def test_an_allowed_page_may_read_answers_and_refusals(config: WebConfig) -> None:
    async with guarded(config, keys=FakeKeys(key()), api_origins=frozenset({SHOP})) as door:
        for headers in (bearing("ll_shop"), {}):
            answer = await door.get("/v1/models", headers=headers | {"Origin": SHOP})
            assert answer.headers["Access-Control-Allow-Origin"] == SHOP
            assert "Origin" in answer.headers["Vary"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
            stranger = await door.get("/v1/models", headers=headers | {"Origin": OTHER})
            assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_an_allowed_page_may_send_the_headers_of_its_client(config: WebConfig) -> None:
    sent = "authorization, content-type,x-stainless-os, X-Stainless-Retry-Count"
    async with guarded(config, api_origins=frozenset({SHOP})) as door:
        answer = await door.options("/v1/models", headers=asking(SHOP) | {"Access-Control-Request-Headers": sent})
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
        assert {"authorization", "content-type", "x-stainless-os", "x-stainless-retry-count"} == set(
            allowed.split(", ")
        )
        assert set(answer.headers.getall("Vary")) == {"Origin", "Access-Control-Request-Headers"}
        stranger = await door.options("/v1/models", headers=asking(OTHER) | {"Access-Control-Request-Headers": sent})
        assert "Access-Control-Allow-Headers" not in stranger.headers


@pytest.mark.parametrize("sent", ["x-a b", "x-a;y", "x-é", "(x)", "", " , ,"])
async def test_what_is_no_name_of_a_header_is_not_said_again(config: WebConfig, sent: str) -> None:
    async with guarded(config, api_origins=frozenset({SHOP})) as door:
        answer = await door.options("/v1/models", headers=asking(SHOP) | {"Access-Control-Request-Headers": sent})
        assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


async def test_every_site_may_be_allowed_but_never_to_admin(config: WebConfig) -> None:
    everywhere = frozenset({"*"})
    async with guarded(config, api_origins=everywhere, page_origins=everywhere) as door:
        assert (await door.options("/v1/models", headers=asking(OTHER))).status == 204
        assert (await door.options("/admin/api/calls", headers=asking(OTHER))).status == 403
        assert (await door.options("/metrics", headers=asking(OTHER))).status == 403


async def test_an_allowed_page_may_use_an_open_door(config: WebConfig) -> None:
    async with guarded(config, api_origins=frozenset({SHOP})) as door:
        assert (await door.post("/chat", headers={"Origin": SHOP})).status == 200
        assert (await door.post("/chat", headers={"Origin": OTHER})).status == 403
