"""The user of a request, for apps that do not import each other."""

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string


def visitor(request: HttpRequest) -> AbstractBaseUser:
    """Return the request's user; make a guest if there is none. `settings.VISITOR` names the function."""
    return import_string(settings.VISITOR)(request)
