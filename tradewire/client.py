"""The clients that limits count."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def client_at(address: str) -> str:
    """Return the client at an address: an IPv4 address, or the /64 network of an IPv6 address, as nginx counts them.

    Args:
        address: The address, from nginx. Any other text is a client of its own.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
