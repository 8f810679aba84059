"""User of a request, for apps that do not import each other."""

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string


def ensure_visitor(request: HttpRequest) -> AbstractBaseUser:
    """Return the request's user. Create a guest if there is none. The function is `settings.VISITOR`."""
    return import_string(settings.VISITOR)(request)
