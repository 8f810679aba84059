"""Whose actions are counted."""

from ipaddress import ip_address, ip_network
from typing import Any


def network(address: str) -> str:
    """What is counted as one address: of IPv6, the network of 64 bits that a household has."""
    try:
        ip = ip_address(address)
    except ValueError:  # a unix socket, or a test
        return address
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 else address


def who(person: int | None, address: str) -> str:
    """Under what name somebody is counted: without a session, anybody could be another guest each time."""
    return f"person.{person}" if person else f"address.{network(address)}"


def who_of(scope: dict[str, Any]) -> str:
    """Whose a socket is."""
    user, has_session = scope["user"], bool(scope["session"].session_key)
    return who(user.pk if user.is_authenticated and has_session else None, (scope.get("client") or [""])[0])
