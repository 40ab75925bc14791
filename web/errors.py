"""Refusals that the door states in JSON: {"error": {"code", "message"}}.

DoorError
├── InvalidRequest   400 invalid_request
├── NotFound         404 not_found
├── TooLarge         413 too_large
├── UnknownKind      415 unknown_kind
├── TooManyRequests  429 too_many_requests
├── LinesBusy        503 lines_busy
├── LiveKitAway      503 livekit_away
└── Away             503 away
"""

import math

from aiohttp import web


class DoorError(Exception):
    """A refusal: an HTTP status, a code for programs, a message for people and, where waiting helps, how long."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self) -> web.Response:
        """The refusal as JSON, with Retry-After in whole seconds where one is known."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
        return error_response(status=self.status, code=self.code, message=self.message, headers=headers)


class InvalidRequest(DoorError):
    """The body isn't what the route documents."""

    status = 400
    code = "invalid_request"


class NotFound(DoorError):
    """What was asked for isn't there, or not any more."""

    status = 404
    code = "not_found"


class TooLarge(DoorError):
    """The body exceeds what the route takes."""

    status = 413
    code = "too_large"


class UnknownKind(DoorError):
    """Files of this kind can't be read."""

    status = 415
    code = "unknown_kind"


class TooManyRequests(DoorError):
    """One address asks more often than its share."""

    status = 429
    code = "too_many_requests"


class LinesBusy(DoorError):
    """As many calls are running as are admitted at once."""

    status = 503
    code = "lines_busy"


class LiveKitAway(DoorError):
    """The media server doesn't answer."""

    status = 503
    code = "livekit_away"


class Away(DoorError):
    """A neighbour that would know the answer doesn't answer: the engine, or the conversations' database."""

    status = 503
    code = "away"


def error_response(*, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """One JSON refusal."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)
