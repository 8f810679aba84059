from django.urls import re_path

from push.consumers import FeedConsumer, OrderConsumer, StatusConsumer

# With and without the final slash: clients use both.
websocket_urlpatterns = [
    re_path(r"(?s)^ws/order/(?P<biz>.+?)/?$", OrderConsumer.as_asgi()),
    re_path(r"(?s)^ws/status/(?P<client_id>.+?)/?$", StatusConsumer.as_asgi()),
    re_path(r"(?s)^ws/push/(?P<room_name>.+?)/?$", FeedConsumer.as_asgi()),
]
