"""Apps of other packages, installed for a part of what they bring."""

from django.apps import AppConfig


class RunserverConfig(AppConfig):
    """Daphne's `runserver`, without Daphne's own configuration.

    That one imports Daphne's server, and with it Twisted, into every process: a fifth of the time that a
    worker takes to start, for a server that only `manage.py runserver` uses, and imports by itself.
    """

    name = "daphne"
