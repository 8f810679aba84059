"""Page for a failed request: 503 if the database does not work, else 500."""

import sys

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from base import responses
from base.api_errors import ApiError

# When the request may be sent again (seconds).
RETRY_AFTER = 5


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], Error):
        error = ApiError(
            "unavailable", _("The database isn't available right now. Try again in a moment."), RETRY_AFTER
        )
        return responses.unavailable_page(request, error)
    return defaults.server_error(request)
