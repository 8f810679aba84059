"""Language of a request: the language chosen in the footer, or else the browser's."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from base.websockets import parse_query
from connections.cookies import cookies_of


class LanguageMiddleware(LocaleMiddleware):
    """Django's middleware, with the cookie of the chosen language in `Vary`."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        response = super().process_response(request, response)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie"])
        return response


# A forged request changes the language and nothing else, so error pages may offer the choice as well.
choose = csrf_exempt(set_language)


def of_scope(scope: dict[str, Any]) -> str:
    """Return the language of a socket, which its page names, or of a request answered without Django."""
    named = parse_query(scope).get("language")
    if named in dict(settings.LANGUAGES):
        return named
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", "")
    request.COOKIES = cookies_of(scope)
    return get_language_from_request(request)
