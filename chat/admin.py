"""The administration site. Changes go through `actions`, as everybody's do."""

from http import HTTPStatus

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from chat import access, actions, permissions
from chat.likeness import likeness
from chat.models import Export, Membership, Message, Room, User
from chat.names import TAKEN, clean_person
from live import security
from live.admin import ReadOnly


class PersonForm(UserChangeForm):
    """A name that is changed here is free, as everywhere."""

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if "name" not in self.changed_data:
            return name
        try:
            name = clean_person(name)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if access.holder(name) not in (None, self.instance):
            raise forms.ValidationError(TAKEN)
        self.instance.name_key = likeness(name)
        return name


RIGHTS = {"is_staff", "is_superuser", "groups", "user_permissions"}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    def save_model(self, request, user, form, change):
        left = User.objects.filter(pk=user.pk).values_list("name_key", flat=True).first()
        if left != user.name_key:
            actions.rest_names({left: user.pk})
        if not user.email:
            user.confirmed_email = ""
        super().save_model(request, user, form, change)

    def get_deleted_objects(self, objs, request):
        """Accounts alone: nothing protects them, and no other right is needed (see `delete_model`)."""
        accounts = [f"{user.username} ({user})" for user in objs]
        stays = _("Messages stay, under the names under which they were sent.")
        return [*accounts, stays], {self.opts.verbose_name_plural: len(accounts)}, set(), []

    def delete_model(self, request, user):
        actions.remove_account(user)
        self._record("account_deleted", user.pk, request)

    @transaction.atomic
    def delete_queryset(self, request, queryset):
        for user in queryset:
            self.delete_model(request, user)

    form = PersonForm
    readonly_fields = ["name_key", "confirmed_email", "seen_at", "date_joined"]
    list_display = ["username", "name", "is_guest", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_guest", "is_active", "is_staff"]
    search_fields = ["username", "name"]
    fieldsets = [
        *(DjangoUserAdmin.fieldsets or []),
        (_("Chat"), {"fields": ["name", "name_key", "is_guest", "confirmed_email", "seen_at"]}),
    ]

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if "is_active" in form.changed_data:
            self._record("activated" if form.instance.is_active else "deactivated", form.instance.pk, request)
        if change and "email" in form.changed_data:
            self._record("email_changed", form.instance.pk, request)
        if RIGHTS & set(form.changed_data):
            self._record("rights_changed", form.instance.pk, request)

    def user_change_password(self, request, id, form_url=""):
        response = super().user_change_password(request, id, form_url)
        if response.status_code == HTTPStatus.FOUND:
            self._record("password_changed", int(id), request)
        return response

    def _record(self, event, person, request):
        security.record(event, person, security.address_of(request), by=request.user.pk)


class OfVisibleRooms(ReadOnly):
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


@admin.register(Export)
class ExportAdmin(OfVisibleRooms):
    list_display = ["room_name", "owner", "status", "done", "total", "attempt", "created_at", "finished_at"]
    list_filter = ["created_at", "finished_at"]
    list_select_related = ["owner"]
    search_fields = ["room_name", "owner__name"]
