"""Engine failures as LiveKit's, so that its retries and fallbacks work."""

from livekit.agents import APIConnectionError, APIError, APIStatusError

from plugins.errors import EngineError, EngineUnavailable


def api_error(error: EngineError) -> APIError:
    """The error of LiveKit's family that says the same, retryable if the engine's is."""
    if isinstance(error, EngineUnavailable):
        return APIConnectionError(str(error), retryable=True)
    return APIStatusError(str(error), status_code=error.status, retryable=error.retryable)


def engine_error(errors: ExceptionGroup[Exception]) -> EngineError:
    """The engine's failure in a task group's failures, however deep. Any other failure is raised as it is."""
    for error in errors.exceptions:
        if isinstance(error, EngineError):
            return error
        if isinstance(error, ExceptionGroup):
            return engine_error(error)
    raise errors
