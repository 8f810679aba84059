"""Who visits: a person with an account, or a guest for as long as the browser is open."""

from django.contrib.auth import login
from django.http import HttpRequest

from chat import actions
from chat.models import User


def visitor(request: HttpRequest) -> User:
    """Who asks. Whoever has no account becomes a guest."""
    if not request.user.is_authenticated:
        login(request, actions.create_guest(), "django.contrib.auth.backends.ModelBackend")
        request.session.set_expiry(0)
    return request.user  # type: ignore[return-value]


def has_account(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not request.user.is_guest
