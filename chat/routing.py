from django.urls import path, re_path

from chat.consumers import ChatConsumer, MeConsumer

websocket_urlpatterns = [
    # Matches any name: the consumer sends the error for an invalid one.
    re_path(r"(?s)^ws/chat/(?P<room_name>.+?)/?$", ChatConsumer.as_asgi()),
]

# Plain consumers: the project's guard handles their limits and sign-out.
plain_websocket_urlpatterns = [
    path("ws/me/", MeConsumer.as_asgi()),
    path("ws/me", MeConsumer.as_asgi()),
]
