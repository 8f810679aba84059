"""Personal data of an account."""

from collections.abc import Iterator
from typing import Any

from accounts.models import User


def read(user: User) -> Iterator[dict[str, Any]]:
    yield {
        "kind": "account",
        "username": None if user.is_guest else user.username,
        "display_name": user.name,
        "email": user.email,
        "is_email_confirmed": user.is_email_confirmed,
        "joined_at": user.date_joined,
        "last_sign_in_at": user.last_login,
        "last_visit_at": user.seen_at,
        "first_network": user.network,
        "silenced_until": user.silenced_until,
    }
