"""A GGUF file opened by llama.cpp: weights, vocabulary and chat template."""

import ctypes
import logging
from collections import deque
from pathlib import Path
from threading import Lock
from typing import Any

from plugins.errors import DeviceMissing, ModelCorrupt, ModelMissing
from plugins.llama.native import c

logger = logging.getLogger(__name__)

NO_OFFLOAD = (
    "this llama-cpp-python was built without one or finds none; "
    "`CMAKE_ARGS=-DGGML_CUDA=on uv pip install --reinstall --no-binary llama-cpp-python llama-cpp-python` "
    "builds it for NVIDIA, -DGGML_METAL=on for Apple"
)
BYTES_WORTH_A_THREAD = 8 * 2**20
"""Weights that a thread must have to itself: with fewer, threads wait for each other longer than they compute."""
_ERROR = 3
_NO_VOCABULARY = 0
_opening = Lock()
_complaints: deque[str] = deque(maxlen=4)
"""What llama.cpp said while a file was opened. What it says at other times may quote prompts and is dropped."""


@c.llama_log_callback
def _listen(level: int, text: bytes, _data: object) -> None:
    if level == _ERROR and _opening.locked():
        _complaints.append(text.decode("utf-8", "replace").strip())


class Weights:
    """A model file in memory. Raises `ModelMissing`, `ModelCorrupt` or `DeviceMissing`; `close` frees it."""

    def __init__(self, path: Path, *, gpu_layers: int = 0) -> None:
        if not path.is_file():
            raise ModelMissing(path)
        if gpu_layers and not c.llama_supports_gpu_offload():
            raise DeviceMissing("llama", "a GPU", NO_OFFLOAD)
        self.path = path
        self.on_gpu = bool(gpu_layers)
        with _opening:
            self.pointer = self._open(gpu_layers)
        self.vocabulary = c.llama_model_get_vocab(self.pointer)
        self.context_tokens = c.llama_model_n_ctx_train(self.pointer)
        """The longest context that the model was trained on."""
        self._refuse_unusable()

    @property
    def template(self) -> str:
        """The chat template in the file, or an empty string."""
        source = c.llama_model_chat_template(self.pointer, None)
        return source.decode("utf-8", "replace") if source else ""

    @property
    def partial(self) -> bool:
        """Whether what was read can be cut back token by token; a recurrent state can not."""
        recurrent = c.llama_model_is_recurrent(self.pointer) or c.llama_model_is_hybrid(self.pointer)
        return not recurrent

    def worthwhile(self, threads: int) -> int:
        """How many of `threads` make reading a token faster."""
        return threads_for(c.llama_model_size(self.pointer), most=threads)

    def close(self) -> None:
        """Free the weights; contexts made of them must be closed before."""
        c.llama_model_free(self.pointer)

    def _open(self, gpu_layers: int) -> Any:
        c.llama_log_set(_listen, ctypes.c_void_p(0))
        c.llama_backend_init()
        _complaints.clear()
        parameters = c.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        pointer = c.llama_model_load_from_file(str(self.path).encode(), parameters)
        if not pointer:
            raise ModelCorrupt(self.path, _complaints[0] if _complaints else "llama.cpp gives no reason")
        return pointer

    def _refuse_unusable(self) -> None:
        decodes = c.llama_model_has_decoder(self.pointer)
        reads = self.vocabulary and c.llama_vocab_type(self.vocabulary) != _NO_VOCABULARY
        if not (decodes and reads):
            self.close()
            raise ModelCorrupt(self.path, "it has no " + ("vocabulary" if decodes else "decoder"))


def threads_for(size_bytes: int, *, most: int) -> int:
    """Threads for a model of this size."""
    return max(1, min(most, size_bytes // BYTES_WORTH_A_THREAD))
