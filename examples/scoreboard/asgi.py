"""The score board as an ASGI application: .venv/bin/uvicorn examples.scoreboard.asgi:application"""

from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.urls import path, re_path

settings.configure(
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    # For several processes: {"BACKEND": "live.layers.GroupLayer", "CONFIG": {"hosts": ["redis://…"]}}
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

from examples.scoreboard.consumers import ScoreConsumer  # noqa: E402

PAGE = Path(__file__).with_name("page.html")

urlpatterns = [path("", lambda request: HttpResponse(PAGE.read_text()))]
sockets = URLRouter([re_path(r"^ws/(?P<cursor>[0-9]{1,9})/$", ScoreConsumer.as_asgi())])

application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": AllowedHostsOriginValidator(sockets)}
)
