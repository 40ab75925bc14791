"""A generation while the model works on it."""

from dataclasses import dataclass, field

from plugins.llama.context import Row
from plugins.llama.forced import Forced
from plugins.llama.generation import Generation, Usage
from plugins.llama.grammar import Grammar
from plugins.llama.output import Output
from plugins.llama.sampling import Sampler
from plugins.llama.sequences import Sequence
from plugins.llama.stream import Stream


@dataclass(eq=False)
class Job:
    """`tokens` is the prompt and what was written so far; its sequence's `length` says how much of it was read."""

    generation: Generation
    stream: Stream
    tokens: list[int]
    prompt_tokens: int
    limit: int
    """At this many tokens in all the answer ends."""
    sampler: Sampler
    output: Output
    call_grammar: Grammar | None = None
    """What may follow an opened tool call, where the model is free to open one."""
    constrained: bool = False
    """Whether it is in such a call."""
    forced: Forced | None = None
    """What the grammar leaves no choice about, if it is one of whole lines."""
    arrival: int = 0
    cached_tokens: int | None = None
    prefill_s: float = 0.0
    """Time of the steps that read its prompt, which others may have shared."""
    share_at: int = 0
    """Once this much is read it is copied to the shared sequence; 0 for nothing to share."""
    sequence: Sequence | None = field(default=None, repr=False)

    @property
    def order(self) -> tuple[int, int]:
        """Sorts by who must be served first."""
        return (self.generation.priority, self.arrival)

    @property
    def own_sequence(self) -> Sequence:
        """The sequence of a job that runs; `RuntimeError` for one that waits."""
        if self.sequence is None:
            raise RuntimeError("a job without a sequence cannot run")
        return self.sequence

    @property
    def pending(self) -> int:
        """Tokens to read before the next one can be chosen."""
        return len(self.tokens) - (self.sequence.length if self.sequence else 0)

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        completion_tokens = len(self.tokens) - self.prompt_tokens
        return Usage(self.prompt_tokens, completion_tokens, self.cached_tokens or 0, self.prefill_s)

    def row(self, tokens: int) -> Row:
        """Its next `tokens` tokens, for a step."""
        sequence = self.own_sequence
        end = sequence.length + tokens
        ask = end == len(self.tokens) and self.limit > self.prompt_tokens
        return Row(sequence.number, sequence.length, self.tokens[sequence.length : end], ask)
