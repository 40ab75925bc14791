"""Places in line: first come, first served, and nobody waits behind a caller who has gone."""

from dataclasses import dataclass

import pytest

from web.errors import LinesBusy
from web.queue import PATIENCE_S, Queue


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_places_are_given_in_order_of_arrival() -> None:
    queue = Queue(capacity=3)
    first, second = queue.join(), queue.join()
    assert (queue.place(first), queue.place(second)) == (1, 2)


def test_who_leaves_moves_the_others_up() -> None:
    queue = Queue(capacity=3)
    first, second = queue.join(), queue.join()
    queue.leave(first)
    assert (queue.place(first), queue.place(second)) == (None, 1)


def test_a_caller_who_stops_asking_is_forgotten() -> None:
    clock = Clock()
    queue = Queue(capacity=3, clock=clock)
    silent, present = queue.join(), queue.join()
    clock.now = PATIENCE_S / 2
    queue.place(present)
    clock.now = PATIENCE_S
    assert (queue.place(silent), queue.place(present)) == (None, 1)


def test_no_more_wait_than_may() -> None:
    queue = Queue(capacity=1)
    queue.join()
    with pytest.raises(LinesBusy):
        queue.join()


def test_places_are_known_by_address() -> None:
    clock = Clock()
    queue = Queue(capacity=9, clock=clock)
    first, _ = queue.join("192.0.2.1"), queue.join("192.0.2.1")
    assert (queue.places_of("192.0.2.1"), queue.places_of("192.0.2.2")) == (2, 0)
    assert queue.caller(first) == "192.0.2.1"
    clock.now = PATIENCE_S
    assert queue.places_of("192.0.2.1") == 0


def test_a_made_up_ticket_has_no_place() -> None:
    assert Queue(capacity=1).place("forged") is None
