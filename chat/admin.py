"""Administration site. It is read-only, except for the site's rules: changes go through `actions`."""

from django.contrib import admin
from django.db.models import Q

from base.admin import ReadOnlyAdmin
from base.security_log import request_address
from chat import permissions
from chat.actions.site_rules import change_rules
from chat.models import ON_SITE, AuditEntry, Membership, Message, Room, SiteRules


class VisibleRoomsAdmin(ReadOnlyAdmin):
    """Read-only admin, limited to rooms that the member of staff may see."""

    room = "room"

    def get_queryset(self, request):
        visible = permissions.visible_rooms(request.user)
        return super().get_queryset(request).filter(**{f"{self.room}__in": visible})


@admin.register(Room)
class RoomAdmin(VisibleRoomsAdmin):
    room = "pk"
    list_display = ["name", "last_seq", "created_at"]
    search_fields = ["name"]


@admin.register(Message)
class MessageAdmin(VisibleRoomsAdmin):
    list_display = ["room", "number", "author_name", "text", "created_at", "edited_at", "deleted_at"]
    list_filter = ["created_at", "deleted_at"]
    list_select_related = ["room"]
    search_fields = ["text", "author_name", "room__name"]

    def get_queryset(self, request):
        return permissions.without_hidden(super().get_queryset(request), request.user)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Audit log of the rooms that the member of staff may see, and of the whole site."""

    def get_queryset(self, request):
        visible = permissions.visible_rooms(request.user)
        of_site = Q(room=None, action__in=ON_SITE)  # entries of deleted rooms have no room either
        return super().get_queryset(request).filter(of_site | Q(room__in=visible))

    list_display = ["at", "action", "actor_name", "person_name", "room_name", "number", "reason", "address"]
    list_filter = ["at", "action"]
    search_fields = ["actor_name", "person_name", "room_name", "reason"]


@admin.register(Membership)
class MembershipAdmin(VisibleRoomsAdmin):
    list_display = ["room", "user", "last_read"]
    list_select_related = ["room", "user"]
    search_fields = ["room__name", "user__name"]


@admin.register(SiteRules)
class SiteRulesAdmin(admin.ModelAdmin):
    """Site rules: one row, which takes effect at once and is recorded in the audit log."""

    def has_add_permission(self, request):
        return super().has_add_permission(request) and not SiteRules.objects.exists()

    def has_delete_permission(self, request, obj=None):
        return False

    def formfield_for_dbfield(self, *args, **kwargs):
        return super().formfield_for_dbfield(*args, **kwargs, show_hidden_initial=True)

    def save_model(self, request, rules, form, change):
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        change_rules(request.user, changed, request_address(request))
