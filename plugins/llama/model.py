"""The shared language model: any number of generations at once over one set of weights."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError

from plugins.errors import EngineError, EngineUnavailable, InvalidRequest, ModelCorrupt, ModelError
from plugins.llama.cells import Cells
from plugins.llama.context import Context
from plugins.llama.forced import forced_by
from plugins.llama.generation import Delta, Generation, Load, Priority, ToolCall, Usage
from plugins.llama.grammar import Grammar, grammar_of, offered_tools, opened_call
from plugins.llama.job import Job
from plugins.llama.loop import DecodeLoop
from plugins.llama.output import Output
from plugins.llama.prompt import CHATML, ChatTemplate, Prompts
from plugins.llama.sampling import Sampler
from plugins.llama.stream import Stream, collect
from plugins.llama.toolcalls import ToolStyle, listener, style_of
from plugins.llama.vocabulary import Vocabulary
from plugins.llama.weights import Weights

__all__ = [
    "Delta",
    "Generation",
    "LlamaModel",
    "Load",
    "Priority",
    "Stream",
    "ToolCall",
    "Usage",
    "collect",
]

logger = logging.getLogger(__name__)

SLICE_TOKENS = 256
"""The most prompt tokens in one step."""
SHELF_BYTES = 256 * 2**20
"""Host memory for what calls have read, unless told otherwise."""


class LlamaModel:
    """A GGUF file being served. The constructor loads it, which takes seconds; `close` frees everything.

    `context_tokens` are shared by all calls; one request may have as many, within what the model was trained on.
    `slots` is how many generations run at once and also how many calls' contexts are kept between turns.
    What a call has read goes to host memory, at most `shelf_bytes` in all, when the context is needed by others.
    `gpu_layers`: -1 puts the whole model on the GPU. Raises `ModelMissing`, `ModelCorrupt`, `DeviceMissing`.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int,
        context_tokens: int,
        slots: int,
        gpu_layers: int = 0,
        shelf_bytes: int = SHELF_BYTES,
    ) -> None:
        with ExitStack() as closing:
            weights = Weights(path, gpu_layers=gpu_layers)
            closing.callback(weights.close)
            source = weights.template or CHATML
            self._vocabulary = Vocabulary(weights.vocabulary, template=source)
            self._prompts, self._style = _prompts(weights, source, self._vocabulary), style_of(source)
            context = Context(
                weights,
                cells=context_tokens,
                sequences=slots + 1,
                batch_tokens=slots + SLICE_TOKENS,
                threads=threads,
            )
            closing.callback(context.close)
            self.context_tokens = min(context_tokens, weights.context_tokens)
            """The longest prompt and answer together."""
            self.reading_rate = context.reading_rate()
            """Tokens of a prompt that are read in a second, as measured when it was loaded."""
            cells = Cells(context, slots=slots, partial=weights.partial, shelf_bytes=shelf_bytes)
            self._loop = DecodeLoop(context, self._vocabulary, cells, slice_tokens=SLICE_TOKENS)
            self._loop.start()
            closing.callback(self._loop.close)
            self._preparing = ThreadPoolExecutor(1, thread_name_prefix="llama-prompt")
            closing.callback(self._preparing.shutdown, cancel_futures=True)
            self._closing = closing.pop_all()

    def generate(self, generation: Generation) -> Stream:
        """Start an answer. Call it on the event loop that will read the stream.

        Raises `InvalidRequest` for impossible values and `EngineUnavailable` after `close`. Whatever else is wrong
        (a prompt that is too long, a grammar that cannot be followed) is raised by the stream.
        """
        generation.check()
        stream = Stream()
        try:
            preparing = self._preparing.submit(self._prepare, generation, stream)
        except RuntimeError as error:
            raise EngineUnavailable("the language model was shut down") from error
        preparing.add_done_callback(partial(_report, stream))
        return stream

    def release(self, call_id: str) -> None:
        """A call is over: free what was kept for it. From any thread."""
        self._loop.release(call_id)

    @property
    def ended(self) -> ModelError | None:
        """Why it serves no more, for good; `None` while it does."""
        return None if self._loop.is_open else ModelError("the language model has ended; start the engine again")

    def load(self) -> Load:
        """What the model does now and did so far."""
        return self._loop.load()

    def close(self) -> None:
        """End all generations with `EngineUnavailable` and free the memory. Blocks for at most one step."""
        self._closing.close()

    def _prepare(self, generation: Generation, stream: Stream) -> None:
        """Everything that needs no model: on a thread of its own, so that long prompts do not hold up answers."""
        if stream.cancelled:
            return
        tools = offered_tools(generation)
        grammar = grammar_of(generation, self._style)
        tokens = self._read(generation)
        job = Job(
            generation=generation,
            stream=stream,
            tokens=tokens,
            prompt_tokens=len(tokens),
            limit=min(len(tokens) + generation.max_tokens, self.context_tokens),
            sampler=self._sampler(generation, grammar),
            output=Output(stops=generation.stop, listener=listener(self._style, {tool["name"] for tool in tools})),
            call_grammar=self._call_grammar(tools) if tools and not grammar else None,
            forced=forced_by(grammar) if generation.max_tokens else None,
        )
        self._loop.submit(job)

    def _sampler(self, generation: Generation, grammar: Grammar | None) -> Sampler:
        return Sampler(generation, vocabulary=self._vocabulary, grammar=grammar)

    def _read(self, generation: Generation) -> list[int]:
        """The prompt's tokens. Raises `InvalidRequest` if they leave no room for an answer."""
        tools = generation.tools if generation.tool_choice != "none" else None
        tokens = self._prompts.tokens(generation.messages, tools or ())
        if len(tokens) >= self.context_tokens:
            raise InvalidRequest(
                f"the prompt has {len(tokens)} tokens, the model takes {self.context_tokens} with its answer"
            )
        return tokens

    def _call_grammar(self, tools: list[dict[str, Any]]) -> Grammar | None:
        """What may follow `<tool_call>`; None if that cannot be put as a grammar, the model then writes freely."""
        if self._style is not ToolStyle.HERMES:
            return None
        try:
            return opened_call(tools)
        except InvalidRequest:
            logger.warning("the parameters of %d tools cannot be enforced", len(tools))
            return None


def _prompts(weights: Weights, source: str, vocabulary: Vocabulary) -> Prompts:
    try:
        return Prompts(ChatTemplate(source, bos=vocabulary.bos, eos=vocabulary.eos), vocabulary)
    except TemplateSyntaxError as error:
        raise ModelCorrupt(weights.path, "its chat template has a syntax error") from error


def _report(stream: Stream, preparing: Future[None]) -> None:
    """Tell the reader why its request never reached the model."""
    if preparing.cancelled():
        error: BaseException | None = EngineUnavailable("the language model was shut down")
    else:
        error = preparing.exception()
    if error is None:
        return
    if not isinstance(error, EngineError):
        logger.error("a prompt could not be prepared", exc_info=error)
        error = EngineError(f"the prompt could not be prepared ({type(error).__name__})")
    stream.fail(error)
