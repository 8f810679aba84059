"""The administration site. Changes go through `actions`, as everybody's do."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from chat.models import Export, Membership, Message, Room, User
from live.admin import ReadOnly


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ["username", "name", "is_guest", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_guest", "is_active", "is_staff"]
    search_fields = ["username", "name"]
    fieldsets = [*(DjangoUserAdmin.fieldsets or []), ("Chat", {"fields": ["name", "is_guest"]})]


@admin.register(Room)
class RoomAdmin(ReadOnly):
    list_display = ["name", "last_seq", "created_at"]
    search_fields = ["name"]


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = ["room", "number", "author_name", "text", "created_at", "edited_at", "deleted_at"]
    list_filter = ["created_at", "deleted_at"]
    list_select_related = ["room"]
    search_fields = ["text", "author_name", "room__name"]


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    list_display = ["room", "user", "last_read"]
    list_select_related = ["room", "user"]
    search_fields = ["room__name", "user__name"]


@admin.register(Export)
class ExportAdmin(ReadOnly):
    list_display = ["room_name", "owner", "status", "done", "total", "attempt", "created_at", "finished_at"]
    list_filter = ["created_at", "finished_at"]
    list_select_related = ["owner"]
    search_fields = ["room_name", "owner__name"]
