"""Signed tokens: whose are believed, and what they allow."""

import base64
import hashlib
import hmac
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from web.config import WebConfig
from web.errors import Unauthorized
from web.principals import Principal, TokenRules, bearer_of_token

from .guarded import bearing, guarded

SECRET = "a secret of thirty-two characters or more"
RULES = TokenRules(SECRET, "HS256", issuer="https://id.example", audience="landline")


def claims(**changes: Any) -> dict[str, Any]:
    usual = {"iss": RULES.issuer, "aud": "landline", "sub": "anna", "exp": time.time() + 60, "scope": "chat audio"}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm)


def pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def test_a_token_names_its_subject_and_scopes() -> None:
    assert bearer_of_token(signed(), RULES) == Principal("token:anna", frozenset({"chat", "audio"}))


def test_scopes_that_there_are_not_and_scopes_in_another_shape_allow_nothing() -> None:
    assert bearer_of_token(signed(scope="root everything"), RULES).scopes == frozenset()
    assert bearer_of_token(signed(scope=["admin"]), RULES).scopes == frozenset()


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1000},
        {"exp": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"nbf": time.time() + 3600},
    ],
)
def test_a_token_that_is_stale_or_meant_for_others_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        bearer_of_token(signed(**changes), RULES)


def test_a_token_under_another_secret_is_refused() -> None:
    with pytest.raises(Unauthorized):
        bearer_of_token(signed("another secret of thirty-two characters"), RULES)


def test_a_token_without_a_signature_is_refused() -> None:
    with pytest.raises(Unauthorized):
        bearer_of_token(jwt.encode(claims(), None, "none"), RULES)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_tokens_may_be_checked_with_a_public_key(algorithm: Any) -> None:
    make = {
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    }
    mine, other = make[algorithm](), make[algorithm]()
    rules = TokenRules(pem(mine), algorithm, RULES.issuer, RULES.audience)
    assert bearer_of_token(signed(mine, algorithm), rules).name == "token:anna"
    with pytest.raises(Unauthorized):
        bearer_of_token(signed(other, algorithm), rules)


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    public = pem(rsa.generate_private_key(65537, 2048))
    header, body = jwt.encode(claims(), SECRET, "HS256").split(".")[:2]
    mac = hmac.new(public.encode(), f"{header}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{header}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(Unauthorized):
        bearer_of_token(forged, TokenRules(public, "RS256", RULES.issuer, RULES.audience))


async def test_tokens_open_the_door_for_their_scopes_and_close_it_for_newcomers(config: WebConfig) -> None:
    async with guarded(config, tokens=RULES) as door:
        assert (await door.get("/v1/models", headers=bearing(signed()))).status == 200
        assert (await door.get("/v1/embeddings", headers=bearing(signed()))).status == 403
        assert (await door.get("/v1/models", headers=bearing(signed(exp=1000)))).status == 401
        assert (await door.get("/v1/models")).status == 401
