"""Settings of the doors: the page, the HTTP API, and who may use them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from agent.settings.section import Section


class WebSettings(Section):
    """The door: the page and the tokens."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    host: str = "127.0.0.1"
    """Address that the page is served on. 0.0.0.0 lets other machines in and needs keys of your own."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Port that the page is served on."""
    sessions_per_minute: PositiveInt = 30
    """New calls that one address may start in a minute."""
    max_waiting: int = Field(default=20, ge=0)
    """Callers who may wait for a line; further ones are told that all lines are busy. 0: nobody waits."""
    drain_s: PositiveFloat = 20
    """Seconds that answers may still be streamed after the door is told to close."""


class GuardSettings(Section):
    """Who may use the HTTP door, how often and how much. Keys are made with `landline keys create`."""

    model_config = SettingsConfigDict(env_prefix="GUARD_")

    keys: Path = Path("data/keys.db")
    """File of the API keys; it holds no key, only what recognizes one. No key ever made: this machine needs none."""
    jwt_secret: SecretStr = SecretStr("")
    """Secret that signed tokens (JWT, HS256) are believed by, 32 characters or more. Empty: none are."""
    jwt_public_key: Path | None = None
    """PEM file of the public key that signed tokens (JWT, RS256 or ES256) are believed by, instead of a secret."""
    jwt_algorithm: Literal["RS256", "ES256"] = "RS256"
    """Algorithm of tokens that are checked with the public key."""
    jwt_issuer: str = ""
    """Issuer (`iss`) that those tokens must name."""
    jwt_audience: str = "landline"
    """Audience (`aud`) that those tokens must name."""
    api_origins: str = ""
    """Sites whose pages may read the HTTP API, such as https://shop.example, with commas between. `*`: all."""
    page_origins: str = ""
    """Sites whose pages may start calls with a page of their own, with commas between."""
    trusted_proxies: str = ""
    """Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks, with commas between."""
    redis_url: SecretStr = SecretStr("")
    """Redis where several web processes count requests together, redis://HOST:PORT. Empty: each counts alone."""
    key_per_minute: PositiveInt = 600
    """Requests of one API key or token in a minute."""
    address_per_minute: PositiveInt = 1200
    """Requests from one address in a minute, whoever makes them."""
    key_at_once: PositiveInt = 128
    """Requests of one API key or token that run at a time."""
    address_at_once: PositiveInt = 256
    """Requests from one address that run at a time."""
    header_timeout_s: PositiveFloat = 20
    """How long a connection may take to send a request's head, or stay silent between two."""
    body_timeout_s: PositiveFloat = 30
    """How long a request's body may take to arrive; it has a second more for each 64 kB."""
    max_request_s: PositiveFloat = 300
    """How long a request may run once its body is there, a stream as well."""
    max_text_mb: PositiveFloat = 1
    """Size of a chat, speech or embedding request, in megabytes."""
    max_audio_mb: PositiveFloat = 25
    """Size of a recording to transcribe, in megabytes."""
    max_audio_s: PositiveFloat = 600
    """Length of a recording to transcribe, and of speech to make."""
    max_answer_tokens: PositiveInt = 1024
    """Tokens that an answer over HTTP may ask for."""
