from django.urls import path

from transcripts import views

urlpatterns = [
    path("chat/<str:room_name>/export/", views.request_transcript, name="request_transcript"),
    path("chat/<str:room_name>/export/<uuid:pk>/", views.page, name="transcript"),
    path("chat/<str:room_name>/export/<uuid:pk>/transcript.txt", views.file, name="transcript_file"),
]
