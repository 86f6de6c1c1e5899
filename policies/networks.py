"""Addresses and networks, as policies list them."""

import ipaddress
from collections.abc import Iterable


class Networks:
    """A list of addresses and networks. Raises ValueError for what is neither."""

    __slots__ = ("_networks",)

    def __init__(self, written: Iterable[str]) -> None:
        self._networks = tuple(_network(each) for each in written)

    def hold(self, address: str) -> bool:
        """Whether this address is in one of them; what is no address is in none."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _network(written: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(written)
    except ValueError as error:
        raise ValueError(f"{error}: write an address or a network, as in 203.0.113.0/28") from error
