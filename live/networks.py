"""Networks of clients, which the limits for addresses count."""

from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

# IPv6 prefixes that embed an IPv4 address: IPv4-mapped (RFC 4291) and NAT64 (RFC 6052).
_IPV4_PREFIXES = ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96")


def counted_address(address: str) -> str:
    """Return what limits count for an address: the address itself, or the /64 network of an IPv6 address.

    An IPv4 address that is written as IPv6 counts as that IPv4 address.
    """
    try:
        ip = ip_address(address)
    except ValueError:  # a unix socket, or a test
        return address
    if any(ip in addresses for addresses in _IPV4_PREFIXES):
        return str(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 else address


def is_public(network: str) -> bool:
    """Return whether an address or network that `counted_address` has returned is one of the Internet."""
    try:
        return ip_network(network).is_global
    except ValueError:  # a unix socket, or a test
        return False


def counted_client_address(scope: Mapping[str, Any]) -> str:
    """Return what limits count for the client of an ASGI scope; an empty string without an address."""
    return counted_address((scope.get("client") or [""])[0])
