"""What somebody hears who waits for a line, and when."""

from agent.waiting import ABSENT_S, AGAIN_S, CLOSED, Step, Wait, notices, place_notice

TICK_S = 0.5


class Line:
    """A caller who waits, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.wait = Wait(seen_s=self.now_s)

    def step(self, place: int | None, *, is_here: bool = True, is_line_free: bool = False, after_s: float = 0) -> Step:
        self.now_s += after_s
        return self.wait.next_step(place=place, is_here=is_here, is_line_free=is_line_free, now_s=self.now_s)

    def told(self, places: list[int]) -> list[float]:
        """When the caller is told a place, in seconds, if these are the places at each look."""
        steps = [(index * TICK_S, self.step(place, after_s=TICK_S)) for index, place in enumerate(places)]
        return [at_s for at_s, step in steps if step == "tell"]


def test_a_place_is_told_at_once_and_again_after_a_while() -> None:
    assert Line().told([2] * round(2.5 * AGAIN_S / TICK_S)) == [0, AGAIN_S, 2 * AGAIN_S]


def test_a_new_place_is_told_at_once_and_the_quiet_begins_anew() -> None:
    before = round(5 / TICK_S)
    assert Line().told([2] * before + [1] * round(AGAIN_S / TICK_S + 1)) == [0, 5, 5 + AGAIN_S]


def test_the_first_in_line_asks_for_a_free_line_before_anything_is_said() -> None:
    line = Line()
    assert line.step(1, is_line_free=True) == "ask"
    assert line.step(1) == "tell", "the engine carries no more"
    assert line.step(1, is_line_free=True, after_s=TICK_S) == "ask"
    assert line.step(1, after_s=TICK_S) == "listen"


def test_nobody_else_asks() -> None:
    line = Line()
    assert line.step(2, is_line_free=True) == "tell"
    assert line.step(2, is_line_free=True, after_s=TICK_S) == "listen"


def test_an_empty_room_is_told_nothing_and_given_no_line() -> None:
    assert Line().step(1, is_here=False, is_line_free=True) == "listen"


def test_a_caller_who_stays_away_has_gone_and_one_who_comes_back_waits_on() -> None:
    line = Line()
    line.step(1)
    assert line.step(1, is_here=False, after_s=ABSENT_S - 1) == "listen"
    assert line.step(1, after_s=0.5) == "listen"
    assert line.step(1, is_here=False, after_s=ABSENT_S - 1) == "listen"
    assert line.step(1, is_here=False, after_s=1) == "leave"


def test_a_caller_whom_this_process_has_to_let_go_moves() -> None:
    assert Line().step(None, is_line_free=True) == "move"


def test_every_place_has_its_own_words() -> None:
    assert place_notice(2) == "You are number two in line. Please stay on the line."
    assert notices(3) == (place_notice(1), place_notice(2), place_notice(3), CLOSED)
    assert len(set(notices(20))) == 21


def test_where_nobody_may_wait_nothing_is_prepared() -> None:
    assert notices(0) == ()
