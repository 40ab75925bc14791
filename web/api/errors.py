"""Refusals in OpenAI's shape: {"error": {"message", "type", "param", "code"}}."""

import math
from typing import Any

from aiohttp import web

from ..errors import DoorError

Json = dict[str, Any]


class ApiError(DoorError):
    """A refusal that any OpenAI client understands; `param` is the field that is wrong."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "invalid_request",
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.status = status
        self.code = code
        self.param = param

    def response(self, *, path: str = "") -> web.Response:
        """The refusal as JSON, the same at every `path`, with Retry-After where waiting helps."""
        wait_s = self.retry_after_s
        headers = {} if wait_s is None else {"Retry-After": str(max(1, math.ceil(wait_s)))}
        return web.json_response(self.body(), status=self.status, headers=headers)

    def body(self) -> Json:
        """The refusal's JSON, which is also how a stream that has begun ends."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def from_http(error: web.HTTPException) -> ApiError:
    """What aiohttp refuses by itself: unknown paths, wrong methods, bodies that are too large."""
    code = error.reason.lower().replace(" ", "_")
    return ApiError(error.text or error.reason, status=error.status, code=code)
