from plugins.llama.sequences import Claim, Sequence, Sequences, common_prefix

SYSTEM = list(range(100))


def read(books: Sequences, tokens: list[int], call_id: str | None = None) -> Sequence:
    """Claim a sequence and read all of `tokens`."""
    sequence = claim(books, tokens, call_id).sequence
    sequence.length = len(tokens)
    return sequence


def claim(books: Sequences, tokens: list[int], call_id: str | None = None) -> Claim:
    """Claim a sequence and read nothing yet."""
    sequence = books.free(call_id)
    assert sequence
    return books.claim(sequence, tokens, call_id)


def test_the_common_prefix_of_two_lists_is_counted() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4]) == 2
    assert common_prefix([1, 2], [1, 2, 3]) == 2
    assert common_prefix([5], [1]) == 0
    assert common_prefix([1, 2, 3], [1, 2, 3], limit=1) == 1
    assert common_prefix([], [1]) == 0


def test_a_call_reads_only_what_is_new_in_its_next_turn() -> None:
    books = Sequences(2)
    first = read(books, [*SYSTEM, 200, 201], "call")
    books.release(first)
    made = claim(books, [*SYSTEM, 200, 300, 301], "call")
    assert made.sequence is first
    assert (made.kept, made.start, made.donor) == (101, 101, None)


def test_the_last_token_is_always_read_again() -> None:
    books = Sequences(1)
    books.release(read(books, SYSTEM, "call"))
    made = claim(books, list(SYSTEM), "call")
    assert made.start == len(SYSTEM) - 1


def test_a_request_without_a_call_leaves_nothing_behind() -> None:
    books = Sequences(1)
    sequence = read(books, SYSTEM)
    books.release(sequence)
    assert (sequence.length, sequence.tokens, books.calls_kept) == (0, [], 0)


def test_nothing_is_claimed_while_every_sequence_works() -> None:
    books = Sequences(2)
    read(books, [1, 2]), read(books, [3, 4])
    assert books.free(None) is None


def test_a_call_never_has_two_sequences() -> None:
    books = Sequences(2)
    read(books, [1, 2], "call")
    assert books.free("call") is None


def test_an_empty_sequence_is_taken_before_an_idle_call_loses_its_own() -> None:
    books = Sequences(2)
    kept = read(books, [1, 2], "call")
    books.release(kept)
    assert read(books, [3, 4], "other") is not kept
    assert books.of_call("call") is kept


def test_the_call_that_was_idle_longest_loses_its_sequence() -> None:
    books = Sequences(2)
    old, young = read(books, [1, 2], "old"), read(books, [3, 4], "young")
    books.release(old)
    books.release(young)
    assert read(books, [5, 6], "new") is old
    assert books.of_call("old") is None
    assert books.of_call("young") is young


def test_what_another_call_has_read_is_copied_not_read_again() -> None:
    books = Sequences(2)
    donor = read(books, [*SYSTEM, 1], "one")
    made = claim(books, [*SYSTEM, 2], "two")
    assert made.donor is donor
    assert (made.kept, made.start) == (0, 100)


def test_a_short_common_beginning_is_not_worth_a_copy() -> None:
    books = Sequences(2)
    read(books, [1, 2, 3, 4], "one")
    made = claim(books, [1, 2, 3, 9], "two")
    assert (made.donor, made.start) == (None, 0)


def test_what_two_calls_begin_with_is_worth_sharing_once() -> None:
    books = Sequences(2)
    assert books.beginning_to_share([*SYSTEM, 1], "one") == 0
    assert books.beginning_to_share([*SYSTEM, 2], "two") == 100
    books.share(SYSTEM)
    assert books.beginning_to_share([*SYSTEM, 3], "three") == 0


def test_turns_of_one_call_share_nothing_with_others() -> None:
    books = Sequences(2)
    books.beginning_to_share([*SYSTEM, 1], "one")
    assert books.beginning_to_share([*SYSTEM, 1, 2], "one") == 0


def test_the_shared_beginning_serves_a_call_that_comes_when_all_others_are_gone() -> None:
    books = Sequences(1)
    books.share(SYSTEM)
    made = claim(books, [*SYSTEM, 7], "late")
    assert made.donor is books.shared
    assert made.start == 100


def test_the_longest_idle_makes_room_first_and_nobody_at_work_does() -> None:
    books = Sequences(3)
    books.share(SYSTEM)
    first, second, working = (read(books, [i, i], str(i)) for i in range(3))
    books.release(second)
    books.release(first)
    victims: list[Sequence] = []
    while victim := books.idlest_call():
        victims.append(victim)
        books.forget(victim)
    assert victims == [second, first]
    assert books.idle_beginning() is books.shared
    assert working.length == 2


def test_a_recurrent_state_is_continued_or_dropped_but_never_cut() -> None:
    books = Sequences(1, partial=False)
    books.release(read(books, [1, 2, 3], "call"))
    longer = claim(books, [1, 2, 3, 4], "call")
    assert longer.start == 3
    longer.sequence.length = 4
    books.release(longer.sequence)
    other = claim(books, [1, 2, 9], "call")
    assert other.start == 0


def test_a_recurrent_state_is_not_shared() -> None:
    books = Sequences(2, partial=False)
    read(books, [*SYSTEM, 1], "one")
    made = claim(books, [*SYSTEM, 2], "two")
    assert (made.donor, made.start) == (None, 0)
    books.beginning_to_share([*SYSTEM, 1], "one")
    assert books.beginning_to_share([*SYSTEM, 2], "two") == 0


def test_forgetting_everything_leaves_running_sequences_at_their_beginning() -> None:
    books = Sequences(1)
    sequence = read(books, [1, 2], "call")
    books.forget_all()
    assert (sequence.length, sequence.running) == (0, True)


def test_what_any_sequence_has_read_is_known() -> None:
    books = Sequences(2)
    books.share(SYSTEM)
    read(books, [*SYSTEM, 1, 2], "one")
    assert books.known([*SYSTEM, 1, 9]) == 101
    assert books.known([7]) == 0
