"""Who may do what: scopes, principals, and the two kinds of credentials that name one."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import jwt

from .errors import Unauthorized

SCOPES = ("chat", "audio", "embeddings", "metrics", "admin")
OPEN_SCOPES = frozenset({"chat", "audio", "embeddings"})
"""What an open door gives without a key, and a new key unless told otherwise."""
KEY_MARK = "ll_"
"""What every API key begins with, so that it can be told from a token and found by secret scanners."""
CLOCKS_DIFFER_S = 10


@dataclass(frozen=True)
class Principal:
    """Somebody who was let in: a name to count and to log under, never a secret, and what they may do."""

    name: str
    scopes: frozenset[str]


NEWCOMER = Principal("newcomer", OPEN_SCOPES | {"metrics"})
"""Whoever comes without a key to a door that is still open."""


class Keys(Protocol):
    """Where API keys are known. Whatever goes wrong in there raises; nobody is let in then."""

    async def exist(self) -> bool:
        """Whether a key was ever made, a revoked one included: a door that was closed once stays closed."""
        ...

    async def find(self, key: str) -> Principal | None:
        """Whose key this is; None if it is unknown, revoked or expired."""
        ...


class NoKeys:
    """For a door without a store of keys."""

    async def exist(self) -> bool:
        """Never."""
        return False

    async def find(self, key: str) -> Principal | None:
        """Nobody's."""
        return None


@dataclass(frozen=True)
class TokenRules:
    """Whose signed tokens are believed: one key, one algorithm, one issuer, for us as the audience."""

    key: str = field(repr=False)
    algorithm: Literal["HS256", "RS256", "ES256"]
    issuer: str
    audience: str


def bearer_of_token(token: str, rules: TokenRules) -> Principal:
    """The subject of a signed token and its `scope` claim's scopes. Raises `Unauthorized`."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            rules.key,
            algorithms=[rules.algorithm],
            issuer=rules.issuer,
            audience=rules.audience,
            leeway=CLOCKS_DIFFER_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized("The token has expired.") from error
    except jwt.PyJWTError as error:
        raise Unauthorized("The token is not one that this door believes.") from error
    scope = claims.get("scope", "")
    named = scope.split() if isinstance(scope, str) else []
    return Principal(f"token:{claims['sub']}", frozenset(named) & frozenset(SCOPES))
