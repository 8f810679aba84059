"""The security log: one line for each event, with the person's id and the address, never what was typed."""

import logging

from django.http import HttpRequest

logger = logging.getLogger("lobby.security")


def record(event: str, person: int | None, address: str, *, by: int | None = None) -> None:
    """Log an event that concerns a person; `by` is the administrator who caused it."""
    logger.info("%s person=%s address=%s%s", event, person or "-", address or "-", f" by={by}" if by else "")


def record_refusal(event: str, person: int | None, address: str) -> None:
    logger.warning(f"{event} person=%s address=%s", person or "-", address or "-")  # each event is of a kind


def warn_of_https(origin: str) -> None:
    """Tell the operator why pages get no sockets: a proxy speaks HTTPS, and no setting says so."""
    logger.warning("origin %s refused: name it in CSRF_TRUSTED_ORIGINS", origin)


def address_of(request: HttpRequest | None) -> str:
    return request.META.get("REMOTE_ADDR", "") if request else ""
