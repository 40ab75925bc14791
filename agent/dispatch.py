"""What an agent is told when it is sent into a room: the metadata of its dispatch, signed by whoever sent it."""

import json
from dataclasses import dataclass
from typing import Any

from agent.conversations.turns import is_id, new_id


@dataclass(frozen=True)
class Dispatch:
    """Whether the call's last process died (`is_resumed`), and the conversation that the call belongs to.

    `goes_on` says that something may have been said in it before, `has_ticket` that the page's door let the caller in.
    """

    conversation: str
    goes_on: bool = False
    is_resumed: bool = False
    has_ticket: bool = False


def read_dispatch(metadata: str) -> Dispatch:
    """The dispatch of this metadata; a call that names no conversation begins one."""
    try:
        said: Any = json.loads(metadata or "{}")
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    conversation, goes_on = str(said.get("conversation", "")), said.get("goes_on") is True
    known = is_id(conversation)
    return Dispatch(
        conversation if known else new_id(),
        goes_on and known,
        is_resumed=said.get("resumed") is True,
        has_ticket=said.get("door") == "browser",
    )
