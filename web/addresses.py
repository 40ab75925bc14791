"""Who is asking: the address to count a request under, told by nobody but the peer itself or a trusted proxy."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

IPV6_SITE_BITS = 64
"""One customer of a provider has as many IPv6 addresses as they like, but one such network."""


def caller_address(request: web.Request, *, trusted_proxies: frozenset[str]) -> str:
    """The address to count: the peer's, or behind trusted proxies the last one that is none of them."""
    address = request.remote or "unknown"
    named = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    while named and is_trusted(address, trusted_proxies):
        if not (before := named.pop()):
            break
        address = before
    return counted_as(address)


def is_trusted(address: str | None, trusted_proxies: frozenset[str]) -> bool:
    """Whether an address is, or lies in, one of `trusted_proxies` (addresses or networks such as 10.0.0.0/8)."""
    if not address or not trusted_proxies:
        return False
    place = _parsed(address)
    return place is not None and any(place in network for network in networks(trusted_proxies))


@lru_cache(maxsize=8)
def networks(named: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks as text, parsed. Raises `ValueError` for what is neither."""
    return tuple(ip_network(name) for name in sorted(named))


def counted_as(address: str) -> str:
    """An IPv4 address itself, an IPv6 one as its site's network; what is no address counts as one and the same."""
    match _parsed(address):
        case None:
            return "unknown"
        case IPv6Address() as place:
            return str(ip_network((int(place), IPV6_SITE_BITS), strict=False))
        case place:
            return str(place)


def is_this_machine(counted: str) -> bool:
    """Whether a counted address is this machine's own, which all callers have behind a proxy that nobody named."""
    return counted.startswith("127.") or counted == counted_as("::1")


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address; an IPv4 one that came in IPv6's clothes as itself."""
    try:
        place = ip_address(address)
    except ValueError:
        return None
    return place.ipv4_mapped or place if isinstance(place, IPv6Address) else place
