from django.urls import path

from transcripts.consumers import TranscriptConsumer

websocket_urlpatterns = [
    path("ws/export/<uuid:pk>/", TranscriptConsumer.as_asgi()),
    path("ws/export/<uuid:pk>", TranscriptConsumer.as_asgi()),
]
