"""LiveKit's own log lines carry neither the callers' words nor tokens."""

import logging

import pytest

from agent.discretion import Discretion, be_discreet, without_tokens

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrZXkifQ.c2lnbmF0dXJl-_x"


def record(message: str, **fields: str) -> logging.LogRecord:
    made = logging.LogRecord("livekit.agents", logging.WARNING, "", 0, "%s", (message,), None)
    made.__dict__.update(fields)
    return made


def test_personal_fields_are_removed() -> None:
    line = record("skipping user input", **{"lk.pii.user_input": "my name is Ann", "room": "call-1"})
    assert Discretion().filter(line)
    assert "my name is Ann" not in str(line.__dict__)
    assert line.__dict__["room"] == "call-1"


def test_tokens_are_blotted_out() -> None:
    line = record(f"401 Unauthorized - invalid token: {TOKEN}, expired")
    assert Discretion().filter(line)
    assert line.getMessage() == "401 Unauthorized - invalid token: …, expired"
    assert without_tokens("no token here") == "no token here"


@pytest.mark.parametrize(
    "message",
    [
        "TranscriptSynchronizer audio output was detached while text output is still active",
        "publisher data channel '_lossy' closed unexpectedly",
    ],
)
def test_what_is_meant_to_be_is_not_complained_about(message: str) -> None:
    assert not Discretion().filter(record(message))


def test_being_discreet_twice_is_being_discreet_once() -> None:
    be_discreet()
    be_discreet()
    filters = [one for one in logging.getLogger("livekit.agents").filters if isinstance(one, Discretion)]
    assert len(filters) == 1
