"""What an agent makes of the metadata that it is sent into a room with."""

import json

import pytest

from agent.conversations.turns import is_id, new_id
from agent.dispatch import read_dispatch
from agent.rescue import RESUMED


def test_a_call_goes_on_with_the_conversation_that_it_names() -> None:
    known = new_id()
    dispatch = read_dispatch(json.dumps({"conversation": known, "goes_on": True}))
    assert (dispatch.conversation, dispatch.goes_on, dispatch.is_resumed) == (known, True, False)


@pytest.mark.parametrize("metadata", ["", "no json", "[]", '{"conversation": "../../x", "goes_on": true}', "{}"])
def test_a_call_that_names_none_begins_one(metadata: str) -> None:
    dispatch = read_dispatch(metadata)
    assert is_id(dispatch.conversation) and not dispatch.goes_on


def test_a_caller_whom_the_door_let_in_has_a_ticket() -> None:
    assert read_dispatch('{"door": "browser"}').has_ticket
    assert not read_dispatch("").has_ticket


def test_a_broken_call_is_known_as_such() -> None:
    assert read_dispatch(RESUMED).is_resumed
