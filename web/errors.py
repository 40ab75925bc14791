"""Refusals that the door states in JSON: {"error": {"code", "message"}}.

DoorError
├── InvalidRequest   400 invalid_request
├── Unauthorized     401 invalid_api_key
├── Forbidden        403 insufficient_scope
├── NotFound         404 not_found
├── BodyTooSlow      408 body_too_slow
├── LengthRequired   411 length_required
├── BodyTooLarge     413 request_entity_too_large
├── UnknownKind      415 unknown_kind
├── TooManyRequests  429 too_many_requests
├── LinesBusy        503 lines_busy
├── LiveKitAway      503 livekit_away
├── KeysUnreadable   503 keys_unreadable
├── Away             503 away
├── TookTooLong      504 took_too_long
└── NotKept          507 not_kept

Under /v1 the same refusals have OpenAI's shape: {"error": {"message", "type", "param", "code"}}.
"""

import math

from aiohttp import web

OPENAI_PATHS = "/v1/"
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class DoorError(Exception):
    """A refusal: an HTTP status, a code for programs, a message for people and, where waiting helps, how long."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self, *, path: str = "") -> web.Response:
        """The refusal as JSON in the shape of `path`, with Retry-After in whole seconds where one is known."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return error_response(path=path, status=self.status, code=self.code, message=self.message, headers=headers)


class InvalidRequest(DoorError):
    """The body isn't what the route documents."""

    status = 400
    code = "invalid_request"


class Unauthorized(DoorError):
    """No key or token came, or none that is known."""

    status = 401
    code = "invalid_api_key"


class Forbidden(DoorError):
    """The key or token is good, but not for this; or this page may not ask."""

    status = 403
    code = "insufficient_scope"


class BodyTooSlow(DoorError):
    """The body didn't arrive in time."""

    status = 408
    code = "body_too_slow"


class LengthRequired(DoorError):
    """A body of unknown length where only short ones may come."""

    status = 411
    code = "length_required"


class BodyTooLarge(DoorError):
    """The body is longer than what the route takes."""

    status = 413
    code = "request_entity_too_large"


class NotFound(DoorError):
    """What was asked for isn't there, or not any more."""

    status = 404
    code = "not_found"


class UnknownKind(DoorError):
    """Files of this kind can't be read."""

    status = 415
    code = "unknown_kind"


class TooManyRequests(DoorError):
    """One key or address asks more often, or more at a time, than its share."""

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


class KeysUnreadable(DoorError):
    """Nobody can be let in while the keys cannot be read."""

    status = 503
    code = "keys_unreadable"


class Away(DoorError):
    """A neighbour that would know the answer doesn't answer: the engine, or the conversations' database."""

    status = 503
    code = "away"


class TookTooLong(DoorError):
    """The request ran longer than any may."""

    status = 504
    code = "took_too_long"


class NotKept(DoorError):
    """The disk doesn't take what was sent."""

    status = 507
    code = "not_kept"


def error_response(
    *, status: int, code: str, message: str, headers: dict[str, str] | None = None, path: str = ""
) -> web.Response:
    """One JSON refusal, in the shape that clients of `path` know."""
    error: dict[str, str | None] = {"code": code, "message": message}
    if path.startswith(OPENAI_PATHS):
        usual = "server_error" if status >= 500 else "invalid_request_error"
        error = {"message": message, "type": OPENAI_TYPES.get(status, usual), "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)
