"""The ASGI application: pages go to Django, sockets to their consumers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_application = get_asgi_application()

# Only now may models be imported.
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.signals import request_finished  # noqa: E402
from django.urls import URLPattern, re_path  # noqa: E402

from chat import exports, purge, routing  # noqa: E402
from chat.workers import MailWorker, PurgeWorker, TranscriptWorker  # noqa: E402
from mysite.admission import Admission, close_connections  # noqa: E402
from mysite.guard import Guard  # noqa: E402
from mysite.health import Probes  # noqa: E402
from mysite.middleware import (  # noqa: E402
    BodyLimit,
    BrowserOriginValidator,
    CheckContentType,
    Handshake,
    NotFound,
    RefuseNul,
)
from mysite.sessions import SessionAuth  # noqa: E402
from push.feeds import CHANNEL as FEEDS  # noqa: E402
from push.routing import websocket_urlpatterns as push  # noqa: E402
from push.workers import FeedProducer  # noqa: E402

request_finished.connect(close_connections)


def handshake(application):
    return BrowserOriginValidator(SessionAuth(application))


def guarded(routes):
    """Routes to plain consumers, each behind a guard."""
    return [URLPattern(route.pattern, Guard(route.callback)) for route in routes]


sockets = URLRouter(
    [
        *routing.websocket_urlpatterns,
        *guarded(routing.plain_websocket_urlpatterns),
        *guarded(push),
        re_path("", NotFound.as_asgi()),
    ]
)

# What workers do, by the names of their channels (manage.py runworker --layer tasks ...).
tasks = {
    FEEDS: FeedProducer.as_asgi(),
    "transcripts": TranscriptWorker.as_asgi(),
    "purge": PurgeWorker.as_asgi(),
    "mail": MailWorker.as_asgi(),
}

# What they are told now and then, since a hint may get lost.
reminders = [exports.HINT, purge.HINT]

application = ProtocolTypeRouter(
    {
        "http": RefuseNul(CheckContentType(BodyLimit(Probes(Admission(django_application))))),
        "websocket": RefuseNul(Handshake(handshake, sockets)),
        "channel": ChannelNameRouter(tasks),
    }
)
