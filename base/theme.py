"""Theme of the pages: light, dark, or the system's. A cookie has the choice."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = f"{settings.COOKIE_PREFIX}lobby_theme"
THEMES = ("light", "dark")
COOKIE_AGE = 365 * 24 * 60 * 60  # seconds


def context(request: HttpRequest) -> dict[str, str]:
    """Return the chosen theme for templates; an empty string for the system's."""
    chosen = request.COOKIES.get(COOKIE, "")
    return {"theme": chosen if chosen in THEMES else ""}


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Choose `theme=light`, `dark`, or anything else for the system's. Go back to `next`."""
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    response = HttpResponseRedirect(page if is_ours else reverse("me"))
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(COOKIE, theme, COOKIE_AGE, samesite="Lax", secure=settings.HTTPS, httponly=True)
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
