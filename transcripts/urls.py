from django.urls import path

from transcripts import views

urlpatterns = [
    path("chat/<str:room_name>/export/", views.request_transcript, name="request_transcript"),
    path("chat/<str:room_name>/export/<uuid:pk>/", views.show_transcript, name="transcript"),
    path("chat/<str:room_name>/export/<uuid:pk>/transcript.txt", views.download, name="transcript_file"),
]
