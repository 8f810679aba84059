from django.urls import path, re_path

from chat.consumers import ChatConsumer, MeConsumer

websocket_urlpatterns = [
    # Anything may stand for the room here: the consumer tells what is wrong with it.
    re_path(r"(?s)^ws/chat/(?P<room_name>.+?)/?$", ChatConsumer.as_asgi()),
]

# Plain consumers, which leave limits and sign-out to the guard of the project.
plain_websocket_urlpatterns = [
    path("ws/me/", MeConsumer.as_asgi()),
    path("ws/me", MeConsumer.as_asgi()),
]
