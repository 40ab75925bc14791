"""The address that a request is counted under."""

from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from web.addresses import caller_address, counted_as, is_this_machine, is_trusted

PROXY = frozenset({"10.0.0.0/8"})


def asked(peer: str, *forwarded: str, trusted: frozenset[str] = PROXY) -> str:
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (peer, 1) if name == "peername" else default
    headers = CIMultiDict([("X-Forwarded-For", line) for line in forwarded])
    request = make_mocked_request("POST", "/v1/models", headers=headers, transport=transport)
    return caller_address(request, trusted_proxies=trusted)


def test_the_peer_counts_where_no_proxy_is_trusted() -> None:
    assert asked("198.51.100.7", "203.0.113.9", trusted=frozenset()) == "198.51.100.7"


def test_nobody_but_a_trusted_proxy_names_the_caller() -> None:
    assert asked("198.51.100.7", "203.0.113.9") == "198.51.100.7"
    assert asked("10.1.2.3", "203.0.113.9") == "203.0.113.9"


def test_what_the_caller_wrote_before_the_proxy_is_not_believed() -> None:
    assert asked("10.1.2.3", "192.0.2.1, 203.0.113.9") == "203.0.113.9"
    assert asked("10.1.2.3", "192.0.2.1", "203.0.113.9") == "203.0.113.9"


def test_proxies_behind_each_other_are_passed_over() -> None:
    assert asked("10.1.2.3", "203.0.113.9, 10.9.9.9") == "203.0.113.9"


@pytest.mark.parametrize("forwarded", ["", " , ", "10.9.9.9"])
def test_a_proxy_that_names_nobody_counts_itself(forwarded: str) -> None:
    assert asked("10.1.2.3", forwarded).startswith("10.")


def test_nonsense_counts_as_one_and_the_same() -> None:
    assert asked("10.1.2.3", "x" * 5000) == asked("10.1.2.3", "unknown") == "unknown"


def test_one_ipv6_site_counts_once() -> None:
    assert counted_as("2001:db8::1") == counted_as("2001:db8::ffff:1") == "2001:db8::/64"
    assert counted_as("::ffff:192.0.2.1") == "192.0.2.1"


def test_a_single_address_may_be_trusted() -> None:
    assert is_trusted("127.0.0.1", frozenset({"127.0.0.1"}))
    assert not is_trusted("127.0.0.2", frozenset({"127.0.0.1"}))
    assert not is_trusted(None, PROXY)


def test_this_machines_own_addresses_are_told_from_others() -> None:
    for address, is_own in (("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False),
        ("2001:db8::1", False), ("junk", False)):  # fmt: skip
        assert is_this_machine(counted_as(address)) is is_own
