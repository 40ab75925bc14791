"""The one thread that computes: each step reads one token of every running answer and a slice of waiting prompts."""

import logging
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread

from plugins.errors import EngineError, EngineUnavailable, InvalidRequest, ModelError, Superseded
from plugins.llama.cells import Cells
from plugins.llama.context import Context, Logits
from plugins.llama.forced import Forced
from plugins.llama.generation import Delta, Load
from plugins.llama.job import Job
from plugins.llama.pace import Pace, share_out
from plugins.llama.sampling import Candidates
from plugins.llama.sequences import Sequence
from plugins.llama.stream import Bell
from plugins.llama.tally import Tally
from plugins.llama.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

Plan = list[tuple[Job, int]]
"""Who reads how many tokens in a step."""


class DecodeLoop:
    """Continuous batching over the sequences of one context.

    Jobs that find no free sequence wait, most urgent first. A job's sequence is free again one step after it ended
    or was cancelled; what its call has read is kept (see `Cells`).
    """

    def __init__(self, context: Context, vocabulary: Vocabulary, cells: Cells, *, slice_tokens: int) -> None:
        self._context = context
        self._vocabulary = vocabulary
        self._candidates = Candidates(vocabulary.size)
        self._cells = cells
        self._pace = Pace(most_tokens=slice_tokens)
        self._running: list[Job] = []
        self._waiting: list[Job] = []
        self._bell = Bell()
        self._inbox = SimpleQueue[Callable[[], None] | None]()
        self._gate = Lock()
        self._open = True
        self._arrivals = count()
        self._tally = Tally()
        self._thread = Thread(target=self._run, name="llama", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether jobs are taken: not after `close`, nor after an error that ended the thread."""
        return self._open

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job. Raises `EngineUnavailable` after `close`."""
        self._send(partial(self._receive, job))

    def release(self, call_id: str) -> None:
        """A call is over: end its jobs and forget what it has read."""
        self._send(partial(self._release, call_id))

    def close(self) -> None:
        """End every job with `EngineUnavailable` and wait for the thread."""
        with self._gate:
            self._open = False
            self._inbox.put(None)
        self._thread.join()

    def load(self) -> Load:
        """A snapshot, from any thread."""
        return self._tally.load(
            running=len(self._running),
            waiting=len(self._waiting),
            calls_kept=self._cells.calls_kept,
            calls_shelved=self._cells.calls_shelved,
        )

    def _send(self, command: Callable[[], None]) -> None:
        with self._gate:
            if not self._open:
                raise EngineUnavailable("the language model was shut down")
            self._inbox.put(command)

    def _run(self) -> None:
        try:
            while self._obey():
                self._step()
                self._bell.tick(time.perf_counter())
        except Exception as error:  # nobody waits for this thread: it says itself why it ends
            logger.critical("the language model has ended", exc_info=error)
        finally:
            self._shut()

    def _obey(self) -> bool:
        """Carry out what was sent, waiting for something if there is nothing to do. False: stop."""
        while not ((self._running or self._waiting) and self._inbox.empty()):
            if self._inbox.empty():
                self._tally.tell()
            if (command := self._inbox.get()) is None:
                return False
            command()
            self._bell.ring()
        return True

    def _shut(self) -> None:
        with self._gate:
            self._open = False
        while not self._inbox.empty():
            if command := self._inbox.get():
                command()
        for job in (*self._running, *self._waiting):
            self._fail(job, EngineUnavailable("the language model was shut down"))
        self._bell.ring()

    def _receive(self, job: Job) -> None:
        """Take in a job. It replaces jobs of the same call that are not more urgent."""
        job.arrival = next(self._arrivals)
        for other in self._of_call(job.generation.call_id):
            if job.generation.priority <= other.generation.priority:
                self._fail(other, Superseded("a newer request of the same call took this one's place"))
        self._waiting.append(job)
        if job.forced:
            try:
                self._write_forced(job, job.forced)
            except Exception as error:
                self._break_off(job, error)

    def _release(self, call_id: str) -> None:
        for job in self._of_call(call_id):
            self._fail(job, Superseded("the call is over"))
        self._cells.forget_call(call_id)

    def _of_call(self, call_id: str | None) -> list[Job]:
        jobs = (*self._running, *self._waiting)
        return [job for job in jobs if call_id is not None and job.generation.call_id == call_id]

    def _step(self) -> None:
        for job in [job for job in (*self._running, *self._waiting) if job.stream.cancelled]:
            self._leave(job)
        if self._waiting:
            self._admit()
        plan = self._plan()
        if not plan:
            return
        begin = time.perf_counter()
        try:
            logits = self._context.decode([job.row(tokens) for job, tokens in plan])
        except ModelError as error:
            return self._start_over(error)
        if logits is None:
            return self._make_room()
        self._learn(plan, time.perf_counter() - begin)
        self._advance(plan, logits)

    def _plan(self) -> Plan:
        answering = [job for job in self._running if job.pending == 1]
        plan = [(job, 1) for job in answering]
        if len(answering) < len(self._running):
            reading = sorted((job for job in self._running if job.pending > 1), key=lambda job: job.order)
            budget = self._pace.tokens(answering=bool(answering))
            shares = share_out([job.pending for job in reading], budget)
            plan += [(job, share) for job, share in zip(reading, shares, strict=True) if share]
        return plan

    def _learn(self, plan: Plan, duration_s: float) -> None:
        self._tally.step(answers=len(plan), duration_s=duration_s)
        if prompts := [(job, tokens) for job, tokens in plan if tokens > 1]:
            self._pace.learn(tokens=sum(tokens for _, tokens in prompts), duration_s=duration_s)
            for job, _ in prompts:
                job.prefill_s += duration_s

    def _advance(self, plan: Plan, logits: Logits) -> None:
        """The rows of a plan were read: note it, and choose the next token of those that read everything."""
        best = logits.argmax(axis=1).tolist() if len(logits) else []
        row = 0
        for job, tokens in plan:
            sequence = job.own_sequence
            sequence.length += tokens
            if job.share_at and sequence.length >= job.share_at:
                self._cells.share(sequence, job.tokens[: job.share_at])
                job.share_at = 0
            if job.pending:
                continue
            if job.limit <= job.prompt_tokens:
                self._finish(job, "length")
                continue
            self._choose(job, best[row], logits[row])
            row += 1

    def _choose(self, job: Job, best: int, logits: Logits) -> None:
        try:
            token = best if job.sampler.plain else job.sampler.choose(logits, self._candidates)
            if token is None:
                raise InvalidRequest("the grammar leaves the model nothing to say")
            self._write(job, token)
        except Exception as error:
            self._break_off(job, error)

    def _write(self, job: Job, token: int) -> None:
        """One more token of an answer, and what follows from it for certain."""
        if token in self._vocabulary.ends:
            return self._finish(job, "stop")
        if not self._add(job, token):
            return
        if job.call_grammar:
            _watch_calls(job)
        if job.forced:
            self._write_forced(job, job.forced)

    def _add(self, job: Job, token: int) -> bool:
        """Give a token out; whether the answer goes on."""
        piece = self._vocabulary.piece(token)
        job.tokens.append(token)
        job.output.add(piece)
        if job.forced:
            job.forced.say(piece)
        is_whole = self._show(job)
        if is_whole or len(job.tokens) >= job.limit:
            self._finish(job, "stop" if is_whole else "length")
            return False
        return True

    def _show(self, job: Job) -> bool:
        """Let the reader know, in time; whether the text says that the answer is over."""
        output = job.output
        if not output.decides:
            self._bell.owe(job.stream, output.said)
        elif delta := output.said():
            self._bell.send(job.stream, delta)
        return output.decides and output.stopped

    def _write_forced(self, job: Job, forced: Forced) -> None:
        """What the grammar leaves no choice about goes out without the model; it reads that in one step."""
        for token in self._vocabulary.tokenize_text(forced.rest):
            job.sampler.accept(token)
            if not self._add(job, token):
                return
        if forced.is_over:
            self._finish(job, "stop")

    def _finish(self, job: Job, reason: str) -> None:
        rest = job.output.finish() or Delta()
        reason = "tool_calls" if job.output.called else reason
        self._bell.send(job.stream, rest.then(Delta(finish_reason=reason, usage=job.usage)))
        self._leave(job)

    def _fail(self, job: Job, error: EngineError) -> None:
        self._bell.send(job.stream, error)
        self._leave(job)

    def _break_off(self, job: Job, error: Exception) -> None:
        """Something went wrong for this job alone: the others go on."""
        if not isinstance(error, EngineError):
            logger.error("an answer cannot go on", exc_info=error)
            error = EngineError(f"the answer cannot go on ({type(error).__name__})")
        self._fail(job, error)

    def _leave(self, job: Job) -> None:
        """The job is over, whatever became of it."""
        (self._running if job.sequence else self._waiting).remove(job)
        self._tally.answer(job.usage)
        if sequence := job.sequence:
            self._cells.release(sequence)
        job.sampler.close()

    def _admit(self) -> None:
        """Give waiting jobs their sequences, most urgent first."""
        for job in sorted(self._waiting, key=lambda job: job.order):
            if self._call_runs(job):
                continue
            sequence = self._claim(job)
            while not sequence and self._make_way(job):
                sequence = self._claim(job)
            if not sequence:
                return
            self._begin(job, sequence)

    def _call_runs(self, job: Job) -> bool:
        return any(other.sequence for other in self._of_call(job.generation.call_id))

    def _claim(self, job: Job) -> Sequence | None:
        taken = sum(len(other.tokens) for other in self._running)
        if taken and taken + len(job.tokens) > self._cells.count:
            return None
        return self._cells.claim(job.tokens, job.generation.call_id)

    def _make_way(self, job: Job) -> bool:
        """Send the least urgent job back to the queue, if it is of a lower class than `job`."""
        lower = [other for other in self._running if other.generation.priority > job.generation.priority]
        if not lower:
            return False
        self._pause(max(lower, key=lambda other: other.order))
        return True

    def _begin(self, job: Job, sequence: Sequence) -> None:
        self._waiting.remove(job)
        self._running.append(job)
        job.sequence = sequence
        if job.cached_tokens is None:
            job.cached_tokens = sequence.length
            job.share_at = self._cells.beginning_to_share(job.tokens, job.generation.call_id)

    def _pause(self, job: Job) -> None:
        """Take a running job's sequence away; it goes on later from where it was."""
        sequence, job.sequence = job.own_sequence, None
        self._cells.pause(sequence)
        self._running.remove(job)
        self._waiting.append(job)

    def _make_room(self) -> None:
        """The cells do not suffice: move out what was idle longest, else pause the least urgent job."""
        if self._cells.make_room():
            return
        if len(self._running) > 1:
            self._pause(max(self._running, key=lambda job: job.order))
        else:
            self._fail(self._running[0], InvalidRequest("this needs more context than the model has"))

    def _start_over(self, error: ModelError) -> None:
        """Nothing that was computed can be trusted any more."""
        for job in tuple(self._running):
            self._fail(job, error)
        self._cells.clear()


def _watch_calls(job: Job) -> None:
    """Hold the model to the tools' schemas from where it opens a call to where it closes it."""
    inside = job.output.in_call
    if inside == "" and not job.constrained:
        job.sampler.follow(job.call_grammar)
        job.constrained = True
    elif inside is None and job.constrained:
        job.sampler.follow(None)
        job.constrained = False
