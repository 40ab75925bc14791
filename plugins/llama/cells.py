"""The model's memory in use: cells follow the books, and what finds no room goes to the shelf and comes back."""

from plugins.llama.context import Context
from plugins.llama.sequences import WORTH_SHARING_TOKENS, Sequence, Sequences, common_prefix
from plugins.llama.shelf import Shelf, Shelved


class Cells:
    """`slots` sequences of a context for requests and calls, and the beginning that calls share.

    What a call has read stays in its sequence until another needs the place; then it moves to host memory, at most
    `shelf_bytes` of it, and comes back when the call speaks again. Raises `ModelError` if the model fails.
    """

    def __init__(self, context: Context, *, slots: int, partial: bool, shelf_bytes: int) -> None:
        self._context = context
        self._books = Sequences(slots, partial=partial)
        self._shelf = Shelf(shelf_bytes)

    @property
    def count(self) -> int:
        """Tokens that all sequences together can hold."""
        return self._context.cells

    @property
    def calls_kept(self) -> int:
        """Calls between two turns whose reading is in the model's memory."""
        return self._books.calls_kept

    @property
    def calls_shelved(self) -> int:
        """Calls whose reading is in host memory."""
        return len(self._shelf)

    def claim(self, tokens: list[int], call_id: str | None) -> Sequence | None:
        """A sequence for a prompt, its `length` says how much of it need not be read; None if all are at work."""
        if not (sequence := self._books.free(call_id)):
            return None
        if call_id is None or sequence.call_id != call_id:
            self._put_away(sequence)
            self._bring_back(sequence, tokens, call_id)
        claim = self._books.claim(sequence, tokens, call_id)
        self._context.cut(sequence.number, claim.kept)
        if claim.donor:
            self._context.copy(claim.donor.number, sequence.number, claim.kept, claim.start)
        return sequence

    def release(self, sequence: Sequence) -> None:
        """Its request is over; what a call has read is kept for the next turn."""
        self._books.release(sequence)
        if not sequence.length:
            self._context.cut(sequence.number, 0)

    def pause(self, sequence: Sequence) -> None:
        """Its request goes on later, perhaps in another sequence: others get this one."""
        self._books.release(sequence)
        self._put_away(sequence)
        self._wipe(sequence)

    def forget_call(self, call_id: str) -> None:
        """The call is over, and so are its requests."""
        self._shelf.take(call_id)
        if sequence := self._books.of_call(call_id):
            self._wipe(sequence)

    def beginning_to_share(self, tokens: list[int], call_id: str | None) -> int:
        """How much of this prompt is worth keeping for other calls; 0 for nothing."""
        return self._books.beginning_to_share(tokens, call_id)

    def share(self, source: Sequence, tokens: list[int]) -> None:
        """Keep the beginning `tokens` of what `source` has read for the calls to come."""
        shared = self._books.shared
        self._context.cut(shared.number, 0)
        self._context.copy(source.number, shared.number, 0, len(tokens))
        self._books.share(tokens)

    def make_room(self) -> bool:
        """Clear what was idle longest, the shared beginning last; False if everything is at work."""
        if victim := self._books.idlest_call() or self._books.idle_beginning():
            self._put_away(victim)
            self._wipe(victim)
        return victim is not None

    def clear(self) -> None:
        """Nothing that the model has in memory can be trusted any more."""
        self._books.forget_all()
        self._context.clear()

    def _wipe(self, sequence: Sequence) -> None:
        self._books.forget(sequence)
        self._context.cut(sequence.number, 0)

    def _put_away(self, sequence: Sequence) -> None:
        """A call loses its sequence; its cells stay as they are until somebody writes there."""
        call_id, sequence.call_id = sequence.call_id, None
        if call_id is None or sequence.length < WORTH_SHARING_TOKENS:
            return
        if self._shelf.takes(self._context.state_bytes(sequence.number)):
            tokens = sequence.tokens[: sequence.length]
            self._shelf.put(call_id, Shelved(tokens, self._context.save(sequence.number)))

    def _bring_back(self, sequence: Sequence, tokens: list[int], call_id: str | None) -> None:
        """Put into a free sequence what a call had read, if that is more than what can be copied from others."""
        shelved = self._shelf.take(call_id)
        if not shelved or common_prefix(shelved.tokens, tokens) < self._books.known(tokens) + WORTH_SHARING_TOKENS:
            return
        self._wipe(sequence)
        while not self._context.restore(sequence.number, shelved.state):
            if not (victim := self._books.idlest_call()):
                return self._context.cut(sequence.number, 0)
            self._put_away(victim)
            self._wipe(victim)
        sequence.tokens, sequence.length = shelved.tokens, len(shelved.tokens)
