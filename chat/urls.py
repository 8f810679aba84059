from django.urls import path

from chat import views

urlpatterns = [
    path("chat/", views.index, name="index"),
    path("chat/<str:room_name>/messages/", views.messages, name="messages"),
    # A path, so that a name with a slash is told what is wrong with it.
    path("chat/<path:room_name>/", views.room, name="room"),
    path("me/name/", views.rename, name="rename"),
]
