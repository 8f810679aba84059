"""Manifest with which a browser installs Lobby as an application (W3C, Web Application Manifest)."""

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

NAME = "Lobby"
DESCRIPTION = gettext_lazy("A multi-room chat. Messages are kept, and what you write offline is sent later.")

# The paper of the light theme, as in tokens.css: a manifest has one colour, pages have one for each theme.
PAPER = "#fdfcf9"


@require_safe
@cache_control(no_cache=True)
def manifest(request: HttpRequest) -> JsonResponse:
    described = {
        "id": reverse("index"),
        "lang": get_language(),
        "name": NAME,
        "short_name": NAME,
        "description": str(DESCRIPTION),
        "start_url": reverse("index"),
        "scope": "/",
        "display": "standalone",
        "theme_color": PAPER,
        "background_color": PAPER,
        "icons": _icons(),
    }
    return JsonResponse(described, content_type="application/manifest+json")


def _icons() -> list[dict[str, str]]:
    """Return the icons, which `bin/icons` draws. A maskable icon fills its square: the system crops it."""
    return [
        _icon("icon.svg", "any", "image/svg+xml"),
        _icon("icon-192.png", "192x192"),
        _icon("icon-512.png", "512x512"),
        _icon("icon-maskable.png", "512x512") | {"purpose": "maskable"},
    ]


def _icon(name: str, sizes: str, kind: str = "image/png") -> dict[str, str]:
    return {"src": static(f"base/img/{name}"), "sizes": sizes, "type": kind}
