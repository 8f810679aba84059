"""The page for a request that failed: 503 if the database does not work now, else 500."""

import sys

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from live import Refused, answers

# When the request may be sent again (seconds).
RETRY_AFTER = 5


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], Error):
        refused = Refused("unavailable", _("The database does not work. Try again in a moment."), RETRY_AFTER)
        return answers.later(request, refused)
    return defaults.server_error(request)
