"""Rate-limit keys: the person and the address that a limit counts."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, NamedTuple

from django.http import HttpRequest

# IPv6 prefixes that embed an IPv4 address: IPv4-mapped (RFC 4291) and NAT64 (RFC 6052).
_IPV4_PREFIXES = ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96")


class RateLimitKeys(NamedTuple):
    """The keys of an actor. An empty key is not counted: a client on a unix socket has no address."""

    actor: str
    address: str = ""


def counted_address(address: str) -> str:
    """Return what an address is counted under: itself, or the /64 network of an IPv6 address.

    An IPv4 address that is written as IPv6 counts as that IPv4 address.
    """
    try:
        ip = ip_address(address)
    except ValueError:  # a unix socket, or a test
        return address
    if any(ip in addresses for addresses in _IPV4_PREFIXES):
        return str(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 else address


def person_keys(person: int | None, address: str) -> RateLimitKeys:
    """Return the keys of a person and an address. People without a session count as one per address."""
    address = counted_address(address)
    return RateLimitKeys(f"person.{person}" if person else f"address.{address}", address)


def address_keys(address: str) -> RateLimitKeys:
    """Return the keys of all people of an address together."""
    return RateLimitKeys(counted_address(address))


def socket_keys(scope: dict[str, Any]) -> RateLimitKeys:
    user, has_session = scope["user"], bool(scope["session"].session_key)
    address = (scope.get("client") or [""])[0]
    return person_keys(user.pk if user.is_authenticated and has_session else None, address)


def request_keys(request: HttpRequest) -> RateLimitKeys:
    return person_keys(request.user.pk, request.META.get("REMOTE_ADDR", ""))
