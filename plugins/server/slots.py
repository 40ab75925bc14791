"""Models that load in the background, and what `/health` says of them meanwhile."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar, runtime_checkable

from plugins.errors import EngineBusy, EngineError, ModelError

logger = logging.getLogger(__name__)

Model = TypeVar("Model", covariant=True)
State = Literal["loading", "ready", "failed"]


@dataclass(frozen=True)
class SlotHealth:
    """One line of `/health`. `error` says what is wrong and how to mend it."""

    state: State
    name: str
    tier: str
    error: str | None = None


@runtime_checkable
class Mortal(Protocol):
    """A model that may end while the engine runs."""

    @property
    def ended(self) -> EngineError | None:
        """Why it serves no more; `None` while it does."""
        ...


class ModelSlot(Generic[Model]):
    """A place for one model: empty while it loads, then the model, or the reason why there is none."""

    def __init__(self, *, name: str, tier: str, load: Callable[[], Model]) -> None:
        self.name = name
        self.tier = tier
        self._load = load
        self._model: Model | None = None
        self._error: EngineError | None = None

    @property
    def health(self) -> SlotHealth:
        """The state for `/health`."""
        error = self._trouble()
        state: State = "failed" if error else "ready" if self._model is not None else "loading"
        return SlotHealth(state, self.name, self.tier, str(error) if error else None)

    def use(self) -> Model:
        """The model. Raises `EngineBusy` while it loads, and its own `EngineError` if it cannot be loaded or ended."""
        if error := self._trouble():
            raise error
        if self._model is None:
            raise EngineBusy(f"{self.name} is still loading")
        return self._model

    def loaded(self) -> Model | None:
        """The model if there is one, without complaint: for shutting down."""
        return self._model

    async def fill(self, threads: ThreadPoolExecutor) -> None:
        """Load the model on one of `threads`; a failure is kept for `use` and `health`, never raised here."""
        try:
            self._model = await asyncio.get_running_loop().run_in_executor(threads, self._load)
        except EngineError as error:
            self._error = error
        except Exception as error:  # whatever a library raises: a model that never came up must not look like loading
            logger.error("an unforeseen error while %s was loaded", self.name, exc_info=error)
            self._error = ModelError(f"{self.name} cannot be loaded ({type(error).__name__}: {error})")

    def _trouble(self) -> EngineError | None:
        return self._error or (self._model.ended if isinstance(self._model, Mortal) else None)
