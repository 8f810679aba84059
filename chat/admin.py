"""The administration site. Changes go through `actions`, as everybody's do."""

from django.contrib import admin

from base.admin import ReadOnlyAdmin
from chat import permissions
from chat.models import Membership, Message, Room


class OfVisibleRooms(ReadOnlyAdmin):
    """What there is of rooms that the member of staff may see."""

    room = "room"

    def get_queryset(self, request):
        visible = permissions.visible_rooms(request.user)
        return super().get_queryset(request).filter(**{f"{self.room}__in": visible})


@admin.register(Room)
class RoomAdmin(OfVisibleRooms):
    room = "pk"
    list_display = ["name", "last_seq", "created_at"]
    search_fields = ["name"]


@admin.register(Message)
class MessageAdmin(OfVisibleRooms):
    list_display = ["room", "number", "author_name", "text", "created_at", "edited_at", "deleted_at"]
    list_filter = ["created_at", "deleted_at"]
    list_select_related = ["room"]
    search_fields = ["text", "author_name", "room__name"]


@admin.register(Membership)
class MembershipAdmin(OfVisibleRooms):
    list_display = ["room", "user", "last_read"]
    list_select_related = ["room", "user"]
    search_fields = ["room__name", "user__name"]
