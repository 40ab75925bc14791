"""Access tokens: one caller, one room, ten minutes to join."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api

TOKEN_TTL = timedelta(minutes=10)
DOCUMENTS_ATTRIBUTE = "landline.documents"


@dataclass(frozen=True)
class Credentials:
    """The LiveKit API key and its secret."""

    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Ticket:
    """Admission of one caller to one room."""

    room: str
    identity: str
    jwt: str = field(repr=False)


def new_room_name(prefix: str) -> str:
    """A room name that can't be guessed."""
    return prefix + secrets.token_urlsafe(12)


@dataclass(frozen=True)
class CallConversation:
    """The conversation that a call belongs to; `goes_on` if something may have been said in it before."""

    id: str
    goes_on: bool


def mint_ticket(
    credentials: Credentials,
    *,
    room: str,
    agent_name: str,
    documents: bool,
    conversation: CallConversation | None = None,
) -> Ticket:
    """Admit a new caller to `room` and have the agent dispatched to it when the caller joins.

    The caller may publish a microphone, hear and read the agent, send text, and say whether the
    owner's documents are to be used. The agent learns which conversation the call belongs to.
    """
    identity = "caller-" + secrets.token_urlsafe(8)
    token = (
        api.AccessToken(credentials.key, credentials.secret)
        .with_identity(identity)
        .with_name("Caller")
        .with_ttl(TOKEN_TTL)
        .with_attributes({DOCUMENTS_ATTRIBUTE: "on" if documents else "off"})
        .with_grants(_caller_grants(room))
        .with_room_config(_room_with_agent(agent_name, conversation))
    )
    return Ticket(room=room, identity=identity, jwt=token.to_jwt())


def _caller_grants(room: str) -> api.VideoGrants:
    return api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_publish_data=True,
        can_subscribe=True,
        can_update_own_metadata=True,
    )


def _room_with_agent(agent_name: str, conversation: CallConversation | None) -> api.RoomConfiguration:
    about: dict[str, object] = {"door": "browser"}
    if conversation:
        about |= {"conversation": conversation.id, "goes_on": conversation.goes_on}
    dispatch = api.RoomAgentDispatch(agent_name=agent_name, metadata=json.dumps(about))
    return api.RoomConfiguration(agents=[dispatch])
