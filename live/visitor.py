"""Who asks for a page, for apps that do not know each other."""

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string


def visitor(request: HttpRequest) -> AbstractBaseUser:
    """The person who asks, who is made a guest where there is none: what `settings.VISITOR` names does it."""
    return import_string(settings.VISITOR)(request)
