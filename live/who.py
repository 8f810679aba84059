"""Rate-limit keys: the person who acts, and the address beside it."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.http import HttpRequest

# Where IPv6 holds IPv4 addresses: in dual-stack sockets (RFC 4291), and behind translators (RFC 6052).
_HOLD_IPV4 = ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96")


class Who(NamedTuple):
    """An actor as rate limits count it. What is empty is not counted, as the address of a unix socket."""

    key: str
    address: str = ""


def network(address: str) -> str:
    """What is counted as one address: of IPv6, the network of 64 bits that a household has.

    An IPv4 address that is written as IPv6 is that IPv4 address.
    """
    try:
        ip = ip_address(address)
    except ValueError:  # a unix socket, or a test
        return address
    if any(ip in addresses for addresses in _HOLD_IPV4):
        return str(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 else address


def who(person: int | None, address: str) -> Who:
    """A person and an address. Without a session, all of an address count as one person."""
    address = network(address)
    return Who(f"person.{person}" if person else f"address.{address}", address)


def by_address(address: str) -> Who:
    """All of an address together."""
    return Who(network(address))


def who_of(scope: dict[str, Any]) -> Who:
    """Whose a socket is."""
    user, has_session = scope["user"], bool(scope["session"].session_key)
    return who(user.pk if user.is_authenticated and has_session else None, (scope.get("client") or [""])[0])


def is_for_another(scope: dict[str, Any]) -> bool:
    """Whether a page that was made for another person than the session's opens this socket.

    The page says for whom it was made: `?you=<id>`. A client that does not, or sends no id, takes what comes.
    """
    you = parse_qs(scope["query_string"].decode("latin-1")).get("you", [""])[0]
    is_id = you.isascii() and you.isdigit() and len(you) < 20
    return is_id and scope["user"].is_authenticated and int(you) != scope["user"].pk


def who_asks(request: HttpRequest) -> Who:
    """Whose a request is."""
    return who(request.user.pk, request.META.get("REMOTE_ADDR", ""))
