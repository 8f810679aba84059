"""User of a request, and the end of one, for apps that do not import each other."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string

# Functions of other apps that hand over what a person has, within a transaction: to the account of a guest
# who signs in, or to others when the person is deleted, banned or given up. The last argument says whether
# the person is gone for good.
HAND_OVER: list[Callable[[Any, Any | None, bool], None]] = []


def ensure_visitor(request: HttpRequest) -> AbstractBaseUser:
    """Return the request's user. Create a guest if there is none. The function is `settings.VISITOR`."""
    return import_string(settings.VISITOR)(request)
