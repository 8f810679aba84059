"""Security log: a line for each event, with the user's id and the address, and never with any input."""

import logging

from django.http import HttpRequest

logger = logging.getLogger("lobby.security")


def log_event(event: str, person: int | None, address: str, *, by: int | None = None) -> None:
    """Log an event of a person; `by` is the administrator who caused it."""
    logger.info("%s person=%s address=%s%s", event, person or "-", address or "-", f" by={by}" if by else "")


def log_refusal(event: str, person: int | None, address: str) -> None:
    # The event is in the format: the log limits repetitions of each format.
    logger.warning(f"{event} person=%s address=%s", person or "-", address or "-")


def warn_about_origin(origin: str) -> None:
    """Log how to allow an origin: behind an HTTPS proxy that is not configured, pages get no sockets."""
    logger.warning("origin %s refused: name it in CSRF_TRUSTED_ORIGINS", origin)


def request_address(request: HttpRequest | None) -> str:
    return request.META.get("REMOTE_ADDR", "") if request else ""
