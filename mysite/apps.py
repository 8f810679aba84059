"""Apps of other packages, of which Lobby uses a part."""

from django.apps import AppConfig


class RunserverConfig(AppConfig):
    """App configuration for Daphne's `runserver`, in place of Daphne's own.

    Daphne's own imports its server, and with it Twisted, into every process. That takes a fifth of a worker's
    start, for a server that only `manage.py runserver` uses, which imports it by itself.
    """

    name = "daphne"
