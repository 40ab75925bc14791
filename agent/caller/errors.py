"""Why a scripted call could not take place.

CallFailed
├── NoServer       nothing answers at the address
├── LinesBusy      every line of the agent is taken
├── CallRefused    the server does not accept the ticket
├── NoAgent        no agent came into the room in time
└── VoiceFailed    the caller's own voice or recording cannot be used
"""


class CallFailed(Exception):
    """Base of everything that keeps a call from happening; the message says what to do."""


class NoServer(CallFailed):
    """Nothing answers where the call was to be made."""


class LinesBusy(CallFailed):
    """Every line is taken; calling again later is reasonable."""


class CallRefused(CallFailed):
    """LiveKit does not let this ticket in."""


class NoAgent(CallFailed):
    """The room exists, but no agent joined it."""


class VoiceFailed(CallFailed):
    """What the caller was to say cannot be turned into audio."""
