from django.urls import path

from chat import export_views, views

urlpatterns = [
    path("chat/", views.index, name="index"),
    path("chat/<str:room_name>/messages/", views.messages, name="messages"),
    path("chat/<str:room_name>/export/", export_views.ask, name="export"),
    path("chat/<str:room_name>/export/<uuid:pk>/", export_views.page, name="export_page"),
    path("chat/<str:room_name>/export/<uuid:pk>/transcript.txt", export_views.file, name="export_file"),
    # A path, so that a name with a slash is told what is wrong with it.
    path("chat/<path:room_name>/", views.room, name="room"),
    path("me/name/", views.rename, name="rename"),
]
