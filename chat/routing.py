from django.urls import re_path

from chat.consumers import ChatConsumer

websocket_urlpatterns = [
    # Anything may stand for the room here: the consumer tells what is wrong with it.
    re_path(r"(?s)^ws/chat/(?P<room_name>.+?)/?$", ChatConsumer.as_asgi()),
]
