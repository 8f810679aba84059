"""Rate-limit keys: the person and the address that a limit counts."""

from typing import Any, NamedTuple

from django.http import HttpRequest

from live.networks import counted_address, counted_client_address


class RateLimitKeys(NamedTuple):
    """Keys of an actor. An empty key is not counted: a client on a unix socket has no address."""

    actor: str
    address: str = ""


def person_keys(person: int | None, address: str) -> RateLimitKeys:
    """Return the keys of a person and an address. People without a session count as one per address."""
    address = counted_address(address)
    return RateLimitKeys(f"person.{person}" if person else f"address.{address}", address)


def address_keys(address: str) -> RateLimitKeys:
    """Return the keys of all people of an address together."""
    return RateLimitKeys(counted_address(address))


def moderator_keys(request: HttpRequest) -> RateLimitKeys:
    """Return the key of a person alone: those against whom they defend a room may share their address."""
    return RateLimitKeys(f"moderator.{request.user.pk}")


def socket_keys(scope: dict[str, Any]) -> RateLimitKeys:
    user, has_session = scope["user"], bool(scope["session"].session_key)
    return person_keys(
        user.pk if user.is_authenticated and has_session else None, counted_client_address(scope)
    )


def request_keys(request: HttpRequest) -> RateLimitKeys:
    return person_keys(request.user.pk, request.META.get("REMOTE_ADDR", ""))
