"""Visitors: people with an account, and guests. A session lasts a year, or until the browser is closed."""

from django.conf import settings
from django.contrib.auth import login, middleware
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts import actions
from accounts.limits import get_guest_rate
from accounts.models import User
from base import log_context
from base.api_errors import ApiError
from base.disk_space import disk_space
from base.ratelimit import hit_limit
from base.ratelimit_keys import RateLimitKeys
from live.networks import counted_address


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's middleware. A script whose session has ended gets no cookies.

    It may have sent its request before a sign-in whose response overtook it. Cookies that delete or replace
    those of the sign-in would sign the person out.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        if _is_script(request) and _has_ended(request) and not request.session.modified:
            response.cookies.clear()
        return response


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's middleware. An ended session invalidates the forms of its pages, as signing out does."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _load_user(request))  # type: ignore[assignment]


def _load_user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """Return the session's user. Rotate the CSRF token first if the session no longer exists."""
    user = middleware.get_user(request)
    if _has_ended(request):
        rotate_token(request)
    if user.pk:
        log_context.add(person=user.pk)
    return user


def _has_ended(request: HttpRequest) -> bool:
    """Return whether the browser's session, which must have been read, no longer exists."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()


def _is_script(request: HttpRequest) -> bool:
    """Return whether a script sent the request, not a tab's navigation.

    Scripts send `cors`. Firefox sends `same-origin` for a navigation that the service worker passes on. Over
    plain HTTP browsers do not say: there only navigations accept XHTML, and programs may accept anything.
    """
    headers = request.headers
    if mode := headers.get("Sec-Fetch-Mode"):
        return mode == "cors"
    return "application/xhtml+xml" not in headers.get("Accept", "application/xhtml+xml")


def ensure_visitor(request: HttpRequest) -> User:
    """Return the person of a request. Create a guest if there is none.

    Raise `ApiError`: `read_only` if this is no visit or a script's session has ended, `rate_limited` for too
    many guests of an address, `forbidden` for a banned network.
    """
    if not find_visitor(request):
        if not is_visit(request):
            raise ApiError("read_only", _("Open this page in a browser tab."))
        if _is_script(request) and _has_ended(request):
            raise ApiError("read_only", _("This page is out of date. Reload the page."))
        disk_space.require()
        network = counted_address(request.META.get("REMOTE_ADDR", ""))
        hit_limit(get_guest_rate, RateLimitKeys(network))
        had_session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        secret = request.META.get("CSRF_COOKIE")
        login(request, actions.create_guest(network), "django.contrib.auth.backends.ModelBackend")
        if secret and not had_session:  # forms of tabs that were opened before stay valid
            request.META["CSRF_COOKIE"] = secret
        _renew(request.session)
    return request.user  # type: ignore[return-value]


def find_visitor(request: HttpRequest) -> User | None:
    """Return the person of a request, or None. Store the visit, which keeps the session and guests' names."""
    if not request.user.is_authenticated:
        return None
    if is_visit(request):
        request.user = actions.record_visit(request.user)
        _renew(request.session)
    return request.user


def _renew(session: SessionBase) -> None:
    """Extend a session once a day: changing it sets a new expiry date and sends the cookie again."""
    today = timezone.now().date().isoformat()
    if session.get("renewed") != today:
        session["renewed"] = today


def is_visit(request: HttpRequest) -> bool:
    """Return whether a request may create a guest: not HEAD, nor GET that another site embeds or prefetches.

    Such a request has none of our cookies, so each would create another guest. The destination is empty where
    our service worker passes on the navigation of a tab. All other methods have CSRF protection.
    """
    if request.method != "GET":
        return request.method != "HEAD"
    headers = request.headers
    if headers.get("Sec-Fetch-Site") not in ("cross-site", "same-site"):
        return True
    is_navigation = headers.get("Sec-Fetch-Mode") == "navigate"
    is_of_tab = headers.get("Sec-Fetch-Dest") in ("document", "empty")
    return is_navigation and is_of_tab and "prefetch" not in headers.get("Sec-Purpose", "")


def has_account(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not request.user.is_guest
