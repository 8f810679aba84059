"""Appearance of the pages: theme (light, dark, or the system's) and density. Cookies have the choices."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = f"{settings.COOKIE_PREFIX}lobby_theme"
DENSITY_COOKIE = f"{settings.COOKIE_PREFIX}lobby_density"
THEMES = ("light", "dark")
COOKIE_AGE = 365 * 24 * 60 * 60  # seconds

# The cookie of each choice, and its values beside the default.
CHOICES = {"theme": (COOKIE, THEMES), "density": (DENSITY_COOKIE, ("compact",))}


def context(request: HttpRequest) -> dict[str, str]:
    """Return the chosen theme and density for templates; empty strings for the defaults."""
    chosen = {name: request.COOKIES.get(cookie, "") for name, (cookie, _) in CHOICES.items()}
    return {name: value if value in CHOICES[name][1] else "" for name, value in chosen.items()}


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Choose `theme=light` or `dark`, or `density=compact`; others are the default. Go back to `next`."""
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    response = HttpResponseRedirect(page if is_ours else reverse("me"))
    for name in CHOICES.keys() & request.POST.keys():
        cookie, values = CHOICES[name]
        value = request.POST[name]
        if value in values:
            secure = settings.HTTPS
            response.set_cookie(cookie, value, COOKIE_AGE, samesite="Lax", secure=secure, httponly=True)
        else:
            response.delete_cookie(cookie, samesite="Lax")
    return response
