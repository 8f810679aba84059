"""Accounts in the administration site."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import actions, queries
from accounts.confusables import NameKeys
from accounts.display_names import TAKEN, clean_display_name
from accounts.models import User
from base import security_log


class PersonForm(UserChangeForm):
    """Form of a person, with the same rules for names as everywhere."""

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if "name" not in self.changed_data:
            return name
        try:
            name = clean_display_name(name)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if queries.find_holders(name, exclude=self.instance):
            raise forms.ValidationError(TAKEN)
        self.instance.set_name(name, NameKeys.of(name))
        return name

    def clean(self) -> dict[str, Any]:
        """Return the fields that were changed on the page: others may have changed elsewhere since."""
        super().clean()
        stored = queries.lock_account(self.instance)
        if stored.is_deleted or stored.has_signed_in:
            raise forms.ValidationError(_("This person doesn't exist."))
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}


MANY_TO_MANY = {"groups", "user_permissions"}
RIGHTS = {"is_staff", "is_superuser", *MANY_TO_MANY}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    def formfield_for_dbfield(self, *args, **kwargs):
        return super().formfield_for_dbfield(*args, **kwargs, show_hidden_initial=True)

    def save_model(self, request, user, form, change):
        if not change:
            super().save_model(request, user, form, change)
            return
        changed = set(form.changed_data) - MANY_TO_MANY
        if "name" in changed:
            changed |= {*actions.NAME_FIELDS}
            left = User.objects.values_list("name_key", "name_skeleton").get(pk=user.pk)
            actions.rest_names([(set(left).difference(user.name_keys), user.pk)])
        if "email" in changed and not user.email:
            changed.add("confirmed_email")
            user.confirmed_email = ""
        if "is_active" in changed and not user.is_active:
            actions.deactivate(user)
        user.save(update_fields=changed)

    def get_deleted_objects(self, objs, request):
        """Return only the accounts: `delete_model` needs no other right, and nothing protects them."""
        accounts = [f"{user.username} ({user})" for user in objs]
        stays = _("Messages stay, under the names that they were sent with.")
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
        security_log.log_event(event, person, security_log.request_address(request), by=request.user.pk)
