"""Who visits: a person with an account, or a guest for as long as the browser is open."""

from django.contrib.auth import login
from django.http import HttpRequest

from chat import actions
from chat.models import User
from chat.rate import get_guest_rate
from live.rate import take
from live.who import by_address


def visitor(request: HttpRequest) -> User:
    """Who asks. Whoever has no account becomes a guest; raises `Refused` for too many of an address."""
    if not known(request):
        take(get_guest_rate, by_address(request.META.get("REMOTE_ADDR", "")))
        login(request, actions.create_guest(), "django.contrib.auth.backends.ModelBackend")
        request.session.set_expiry(0)
    return request.user  # type: ignore[return-value]


def known(request: HttpRequest) -> User | None:
    """Who asks, if it is somebody: they have their name as long as they come."""
    if request.user.is_authenticated:
        request.user = actions.note_visit(request.user)
        return request.user
    return None


def has_account(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not request.user.is_guest
