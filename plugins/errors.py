"""What can go wrong with a local model, and whether trying again helps.

EngineError
├── InvalidRequest       the caller asked for something impossible; never retried
├── EngineUnavailable    no engine answers on the socket; retried
├── EngineBusy           every slot is taken or the models still load; retried
├── Superseded           a newer request of the same call took this one's place; never retried
└── ModelError           a model cannot run
    ├── DeviceMissing    the GPU that it should run on is not there, or the library was built without it
    ├── ModelMissing     its file is not there
    └── ModelCorrupt     its file is there but cannot be read
"""

from pathlib import Path


class EngineError(Exception):
    """Base of all engine failures. `code` is stable and travels over HTTP; `retryable` is the policy."""

    code = "engine_error"
    status = 500
    retryable = False


class InvalidRequest(EngineError):
    """The request itself is wrong; the message says what to change."""

    code = "invalid_request"
    status = 400


class EngineUnavailable(EngineError):
    """Nothing answers at the engine's address, or it went away mid-answer."""

    code = "engine_unavailable"
    status = 503
    retryable = True


class EngineBusy(EngineError):
    """Every slot of a local model is taken or it is still loading; waiting or falling back is reasonable."""

    code = "engine_busy"
    status = 503
    retryable = True


class Superseded(EngineError):
    """A newer request of the same call took this one's place. LiveKit ends an answer with status 499 in silence."""

    code = "superseded"
    status = 499


class ModelError(EngineError):
    """A model cannot run."""

    code = "model_error"


class DeviceMissing(ModelError):
    """A model should run on a device that is not there."""

    code = "device_missing"

    def __init__(self, model: str, device: str, reason: str) -> None:
        super().__init__(
            f"{model} cannot run on {device}: {reason}. ENGINE_CPU_ONLY={model} keeps it on the processor, "
            "ENGINE_DEVICE=cpu all models."
        )


class ModelMissing(ModelError):
    """A model's file is not where the settings say."""

    code = "model_missing"

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"{path} is missing. `landline models list` shows what is here; `landline models pull` fetches the "
            "standard models, `git checkout models/starter` restores the starter ones."
        )


class ModelCorrupt(ModelError):
    """A model's file exists and cannot be used."""

    code = "model_corrupt"

    def __init__(self, path: Path | str, reason: str = "") -> None:
        because = f" ({reason})" if reason else ""
        super().__init__(
            f"{path} cannot be read as a model{because}. `landline models verify` checks every file; "
            "`landline models pull` or `git checkout models/starter` replaces it."
        )


CODES: dict[str, type[EngineError]] = {
    kind.code: kind
    for kind in (
        EngineError,
        InvalidRequest,
        EngineUnavailable,
        EngineBusy,
        Superseded,
        ModelError,
        DeviceMissing,
        ModelMissing,
        ModelCorrupt,
    )
}


def from_code(code: str, message: str) -> EngineError:
    """Rebuild the error that a peer sent by its `code`; unknown codes become a plain `EngineError`."""
    kind = CODES.get(code, EngineError)
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    return error
