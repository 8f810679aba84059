"""What a browser shows without a network: one page, which a service worker keeps, and nothing else."""

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

STYLES = ["base/css/tokens.css", "base/css/base.css", "base/css/page.css", "base/css/form.css"]
SCRIPT = "base/js/offline.js"
ICON = "base/img/icon.svg"


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. A change to the page or to what it is made of makes it another one."""
    kept = {"version": _version(), "page": reverse("offline"), "assets": _assets()}
    script = render_to_string("sw.js", {"kept": json.dumps(kept)})
    headers = {"Service-Worker-Allowed": "/"}
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@require_safe
@cache_control(no_cache=True)
def page(request: HttpRequest) -> HttpResponse:
    """The page. It is nobody's, so that it may be kept."""
    return HttpResponse(_page())


def _page() -> str:
    context = {"styles": map(_address, STYLES), "script": _address(SCRIPT), "icon": _address(ICON)}
    return render_to_string("offline.html", context)


def _assets() -> list[str]:
    return [_address(name) for name in (*STYLES, SCRIPT, ICON)]


def _address(name: str) -> str:
    """An address of this page's own: the worker answers for it, and other pages never ask for it."""
    return f"{static(name)}?offline"


def _version() -> str:
    digest = hashlib.sha256(_page().encode())
    for name in (*STYLES, SCRIPT, ICON):
        digest.update(Path(settings.BASE_DIR, "static", name).read_bytes())
    return digest.hexdigest()[:16]
