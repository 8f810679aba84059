"""Transcripts in the administration site."""

from django.contrib import admin

from chat.admin import VisibleRoomsAdmin
from transcripts.models import Transcript


@admin.register(Transcript)
class TranscriptAdmin(VisibleRoomsAdmin):
    list_display = ["room_name", "owner", "status", "done", "total", "attempt", "created_at", "finished_at"]
    list_filter = ["created_at", "finished_at"]
    list_select_related = ["owner"]
    search_fields = ["room_name", "owner__name"]
