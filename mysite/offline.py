"""Pages without a network: the service worker, which stores rooms, and the page for everything else."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.guests import has_account

BASE = [f"base/css/{name}.css" for name in ("tokens", "base", "page", "form", "offline")]
STYLES = [*BASE, "chat/css/card.css"]
SCRIPT = "base/js/offline-page.js"
MODULE = "base/js/backoff.js"  # which the script imports
ICON = "base/img/icon.svg"
FILES = (*STYLES, SCRIPT, MODULE, ICON)


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker. A change to any static file changes it, so that browsers update it."""
    kept = {
        "version": _version(),
        "page": reverse("offline"),
        "assets": _assets(),
        "index": reverse("index"),
        "accounts": [reverse("me"), reverse("admin:logout")],
        "statics": settings.STATIC_URL,
    }
    script = render_to_string("sw.js", {"kept": json.dumps(kept)})
    headers = {"Service-Worker-Allowed": "/"}
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@require_safe
@cache_control(no_cache=True)
def page(request: HttpRequest) -> HttpResponse:
    """Render the offline page. It depends on no person, so that it can be cached."""
    return HttpResponse(_page())


# A cookie that scripts can read, with the person of a guest's session, or of one that ends with the browser.
GUEST_COOKIE = f"{settings.COOKIE_PREFIX}lobby_guest"


class PersonMiddleware:
    """Middleware that adds a header with the person's id: the service worker stores rooms of one person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and request.session.accessed and _is_loaded(request.session):
            person = _person(request)
            response.headers["Lobby-Person"] = person
            if person:
                _add_cookie(request, response, person)
        return response


def _add_cookie(request: HttpRequest, response: HttpResponse, person: str) -> None:
    """Set the cookie, for as long as the session. The header tells the service worker to compare it."""
    session = request.session
    ends_with_browser = session.get_expire_at_browser_close()
    if ends_with_browser:
        response.headers["Lobby-Guest"] = GUEST_COOKIE
    elif not hasattr(request, "_cached_user") or has_account(request):
        return
    if session.modified or request.COOKIES.get(GUEST_COOKIE) != person:
        age = None if ends_with_browser else session.get_expiry_age()
        response.set_cookie(GUEST_COOKIE, person, age, samesite="Lax", secure=settings.HTTPS)


def _is_loaded(session: SessionBase) -> bool:
    """Return whether the session is loaded. Without a working database, loading it would fail again."""
    return hasattr(session, "_session_cache")


def _person(request: HttpRequest) -> str:
    """Return the id of the session's person, who may be deactivated."""
    if hasattr(request, "_cached_user"):  # so `request.user` needs no query
        return str(request.user.pk or "")
    return request.session.get(SESSION_KEY, "")


def _page() -> str:
    addresses = {"script": _address(SCRIPT), "module": _address(MODULE), "icon": _address(ICON)}
    context = addresses | {"styles": map(_address, STYLES)}
    return render_to_string("offline.html", context)


def _assets() -> list[str]:
    return [_address(name) for name in FILES]


def _address(name: str) -> str:
    """Return a URL that only the offline page requests, and that the service worker answers."""
    return f"{static(name)}?offline"


def _version() -> str:
    digest = hashlib.sha256(_page().encode())
    digest.update(staticfiles_storage.manifest_hash.encode())  # type: ignore[attr-defined]
    for name in FILES:
        digest.update(Path(settings.BASE_DIR, "static", name).read_bytes())
    return digest.hexdigest()[:16]
