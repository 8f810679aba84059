"""ASGI application: pages go to Django, sockets to their consumers."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django.setup(set_prefix=False)

# Models may be imported only after Django's set-up.
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.signals import request_finished  # noqa: E402
from django.urls import URLPattern, re_path  # noqa: E402

from accounts.workers import MailWorker  # noqa: E402
from base.disk_space import disk_space  # noqa: E402
from chat import routing  # noqa: E402
from connections.admission import Admission, close_connections  # noqa: E402
from connections.guard import Guard  # noqa: E402
from connections.handler import Handler  # noqa: E402
from connections.middleware import (  # noqa: E402
    BodyLimit,
    BrowserOriginValidator,
    CheckContentType,
    Handshake,
    NotFound,
    RefuseNul,
)
from connections.sessions import SessionAuth  # noqa: E402
from connections.static_files import StaticFiles  # noqa: E402
from push.feeds import CHANNEL as FEEDS  # noqa: E402
from push.routing import websocket_urlpatterns as push  # noqa: E402
from push.workers import FeedProducer  # noqa: E402
from server.health import Probes  # noqa: E402
from tasks.jobs import RUN_JOBS  # noqa: E402
from tasks.workers import JobWorker  # noqa: E402
from transcripts.actions import WRITE  # noqa: E402
from transcripts.routing import websocket_urlpatterns as transcripts  # noqa: E402
from transcripts.workers import TranscriptWorker  # noqa: E402

django_application = Handler()
request_finished.connect(close_connections)
disk_space.watch()


def handshake(application):
    return BrowserOriginValidator(SessionAuth(application))


def guarded(routes):
    """Return routes with each consumer behind a guard."""
    return [URLPattern(route.pattern, Guard(route.callback)) for route in routes]


sockets = URLRouter(
    [
        *routing.websocket_urlpatterns,
        *guarded(routing.plain_websocket_urlpatterns),
        *guarded(transcripts),
        *guarded(push),
        re_path("", NotFound.as_asgi()),
    ]
)

# Consumers of the task workers, by the names of their channels (manage.py runworker --layer tasks …).
tasks = {
    FEEDS: FeedProducer.as_asgi(),
    "transcripts": TranscriptWorker.as_asgi(),
    "purge": JobWorker.as_asgi(),
    "mail": MailWorker.as_asgi(),
}

# Sent to the task workers from time to time, in case a message got lost.
reminders = [WRITE, RUN_JOBS]

application = ProtocolTypeRouter(
    {
        "http": RefuseNul(CheckContentType(BodyLimit(Probes(Admission(StaticFiles(django_application)))))),
        "websocket": RefuseNul(Handshake(handshake, sockets)),
        "channel": ChannelNameRouter(tasks),
    }
)
