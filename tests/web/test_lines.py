"""Counting calls: the ones LiveKit knows and the ones on their way in."""

from dataclasses import dataclass

import pytest

from web.config import Fitting, unknown
from web.errors import LinesBusy
from web.lines import RESERVATION_S, Lines


@dataclass
class Exchange:
    """A room directory and a clock that tests set by hand."""

    names: frozenset[str] = frozenset()
    now: float = 0.0

    async def occupied(self) -> frozenset[str]:
        return self.names

    def clock(self) -> float:
        return self.now


def lines(exchange: Exchange, *, capacity: int = 1, fitting: Fitting = unknown) -> Lines:
    return Lines(exchange, capacity=capacity, prefix="call-", fitting=fitting, clock=exchange.clock)


async def test_an_admitted_caller_holds_a_line_before_arriving() -> None:
    admission = lines(Exchange())
    await admission.reserve("call-a")
    with pytest.raises(LinesBusy):
        await admission.reserve("call-b")


async def test_a_caller_who_arrived_is_counted_once() -> None:
    exchange = Exchange()
    admission = lines(exchange, capacity=2)
    await admission.reserve("call-a")
    exchange.names = frozenset({"call-a"})
    await admission.reserve("call-b")


async def test_a_line_is_free_again_when_the_caller_left() -> None:
    exchange = Exchange()
    admission = lines(exchange)
    await admission.reserve("call-a")
    exchange.names = frozenset({"call-a"})
    with pytest.raises(LinesBusy):
        await admission.reserve("call-b")
    exchange.names = frozenset()
    await admission.reserve("call-c")


async def test_a_line_is_left_to_each_caller_ahead() -> None:
    admission = lines(Exchange(), capacity=2)
    with pytest.raises(LinesBusy):
        await admission.reserve("call-a", ahead=2)
    await admission.reserve("call-a", ahead=1)


async def test_a_machine_that_would_be_slow_has_fewer_lines() -> None:
    async def one() -> int | None:
        return 1

    admission = lines(Exchange(), capacity=8, fitting=one)
    await admission.reserve("call-a")
    with pytest.raises(LinesBusy):
        await admission.reserve("call-b")


async def test_lines_that_nobody_came_to_are_counted_by_address() -> None:
    exchange = Exchange()
    admission = lines(exchange, capacity=9)
    for room in ("call-a", "call-b"):
        await admission.reserve(room, caller="192.0.2.1", at_most=2)
    with pytest.raises(LinesBusy):
        await admission.reserve("call-c", caller="192.0.2.1", at_most=2)
    await admission.reserve("call-c", caller="192.0.2.2", at_most=2)
    exchange.names = frozenset({"call-a"})
    await admission.reserve("call-d", caller="192.0.2.1", at_most=2)


async def test_a_caller_who_never_comes_gives_the_line_back() -> None:
    exchange = Exchange()
    admission = lines(exchange)
    await admission.reserve("call-a")
    exchange.now = RESERVATION_S
    await admission.reserve("call-b")
