"""What is written down of the machine on which something was measured."""

from collections import namedtuple

import pytest

from bench.results import stolen_share

Times = namedtuple("Times", ["user", "idle", "steal", "guest"])


def test_what_others_on_the_host_took_is_a_share_of_all_time() -> None:
    assert stolen_share(Times(10, 100, 5, 0), Times(40, 150, 25, 0)) == pytest.approx(0.2)


def test_time_given_to_guests_of_this_machine_counts_once() -> None:
    assert stolen_share(Times(0, 0, 0, 0), Times(50, 40, 10, 50)) == pytest.approx(0.1)


def test_a_machine_that_tells_nothing_of_others_lost_nothing_to_them() -> None:
    mac = namedtuple("Mac", ["user", "idle"])
    assert stolen_share(mac(0, 0), mac(1, 2)) == 0.0
