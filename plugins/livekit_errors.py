"""Engine failures as LiveKit's, so that its retries and fallbacks work."""

from livekit.agents import APIConnectionError, APIError, APIStatusError

from plugins.errors import EngineError, EngineUnavailable


def api_error(error: EngineError) -> APIError:
    """The error of LiveKit's family that says the same, retryable if the engine's is."""
    if isinstance(error, EngineUnavailable):
        return APIConnectionError(str(error), retryable=True)
    return APIStatusError(str(error), status_code=error.status, retryable=error.retryable)


def first_engine_error(errors: BaseExceptionGroup[EngineError]) -> EngineError:
    """The first failure in a task group's, however deep."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return first_engine_error(error)
        return error
    raise errors
