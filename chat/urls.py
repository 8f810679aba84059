from django.urls import path, register_converter
from django.urls.converters import IntConverter

from chat import export_views, views


class NumberConverter(IntConverter):
    """A message's number, up to 15 digits: all that a database and JavaScript can count."""

    regex = "[1-9][0-9]{0,14}"


register_converter(NumberConverter, "number")

urlpatterns = [
    path("chat/", views.index, name="index"),
    path("chat/<str:room_name>/messages/", views.messages, name="messages"),
    path("chat/<str:room_name>/export/", export_views.ask, name="export"),
    path("chat/<str:room_name>/export/<uuid:pk>/", export_views.page, name="export_page"),
    path("chat/<str:room_name>/export/<uuid:pk>/transcript.txt", export_views.file, name="export_file"),
    path("chat/<str:room_name>/<number:number>/", views.place, name="place"),
    # A path, so that a name with a slash is told what is wrong with it.
    path("chat/<path:room_name>/", views.room, name="room"),
    path("me/name/", views.rename, name="rename"),
]
