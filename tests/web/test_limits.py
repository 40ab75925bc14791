"""How often one address may ask."""

from dataclasses import dataclass

import pytest
from aiohttp.test_utils import make_mocked_request

from web.errors import TooManyRequests
from web.limits import AddressLimiter, caller_address


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_share_may_be_used_at_once_and_no_more() -> None:
    limiter = AddressLimiter(per_minute=3, clock=Clock())
    for _ in range(3):
        limiter.admit("a")
    with pytest.raises(TooManyRequests) as refusal:
        limiter.admit("a")
    assert refusal.value.retry_after_s == pytest.approx(20.0)


def test_waiting_as_told_is_enough() -> None:
    clock = Clock()
    limiter = AddressLimiter(per_minute=3, clock=clock)
    for _ in range(3):
        limiter.admit("a")
    clock.now = 20.0
    limiter.admit("a")
    with pytest.raises(TooManyRequests):
        limiter.admit("a")


def test_refusals_do_not_lengthen_the_wait() -> None:
    clock = Clock()
    limiter = AddressLimiter(per_minute=1, clock=clock)
    limiter.admit("a")
    for clock.now in (10.0, 20.0, 30.0):
        with pytest.raises(TooManyRequests):
            limiter.admit("a")
    clock.now = 60.0
    limiter.admit("a")


def test_addresses_do_not_share() -> None:
    limiter = AddressLimiter(per_minute=1, clock=Clock())
    limiter.admit("a")
    limiter.admit("b")


def test_memory_stays_bounded() -> None:
    limiter = AddressLimiter(per_minute=1, max_addresses=2, clock=Clock())
    for address in ("a", "b", "c"):
        limiter.admit(address)
    limiter.admit("a")
    with pytest.raises(TooManyRequests):
        limiter.admit("c")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "counted"),
    [
        (frozenset[str](), "203.0.113.9", "unknown"),
        (frozenset({"unknown"}), "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (frozenset({"unknown"}), " , ", "unknown"),
    ],
)
def test_only_a_trusted_proxy_names_the_caller(trusted: frozenset[str], forwarded: str, counted: str) -> None:
    request = make_mocked_request("POST", "/api/session", headers={"X-Forwarded-For": forwarded})
    assert caller_address(request, trusted_proxies=trusted) == counted
