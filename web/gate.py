"""The counters that the guard asks: how often and how many at a time, by address and by key."""

from dataclasses import dataclass

from .config import GuardRules
from .limits import LocalRate, LocalSlots, Rate, Slots
from .shared_limits import SharedMemory, SharedRate, SharedSlots

LEASE_MARGIN_S = 10.0


@dataclass(frozen=True)
class Gate:
    """The counters of one web process, in its memory or in a Redis that several share."""

    address_rate: Rate
    key_rate: Rate
    session_rate: Rate
    address_slots: Slots
    key_slots: Slots


def local_gate(rules: GuardRules, *, sessions_per_minute: int) -> Gate:
    """Counters of this process alone."""
    return Gate(
        address_rate=LocalRate(per_minute=rules.address_per_minute),
        key_rate=LocalRate(per_minute=rules.key_per_minute),
        session_rate=LocalRate(per_minute=sessions_per_minute),
        address_slots=LocalSlots(at_once=rules.address_at_once),
        key_slots=LocalSlots(at_once=rules.key_at_once),
    )


def shared_gate(rules: GuardRules, memory: SharedMemory, *, sessions_per_minute: int) -> Gate:
    """Counters that every process with the same Redis shares."""
    lease_s = rules.arrival_s(rules.longest_body_bytes) + rules.max_request_s + LEASE_MARGIN_S
    return Gate(
        address_rate=SharedRate(memory, name="address", per_minute=rules.address_per_minute),
        key_rate=SharedRate(memory, name="key", per_minute=rules.key_per_minute),
        session_rate=SharedRate(memory, name="session", per_minute=sessions_per_minute),
        address_slots=SharedSlots(memory, name="address", at_once=rules.address_at_once, lease_s=lease_s),
        key_slots=SharedSlots(memory, name="key", at_once=rules.key_at_once, lease_s=lease_s),
    )
