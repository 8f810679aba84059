"""Form of a person on the administration site: it saves what was changed in it, and no more."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from accounts import actions
from accounts.models import User
from chat.actions.members import add_member
from chat.actions.rooms import create_private_room
from chat.models import Membership, Role
from tests.accounts.steps import PASSWORD, account, open_form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


@pytest.fixture
def admin():
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=PASSWORD, name="Root"))
    return client


def page_of(person):
    return f"/admin/accounts/user/{person.pk}/change/"


def stored(person):
    return User.objects.filter(pk=person.pk).values().get()


def test_a_form_from_before_the_deletion_of_an_account_brings_nothing_back(admin):
    person = account()
    fields = open_form(admin, page_of(person))
    assert fields["email"] == ["ada@example.org"]
    actions.delete_account(person)
    before = stored(person)
    answer = admin.post(page_of(person), fields | {"first_name": ["Ada"]})
    assert "doesn&#x27;t exist" in answer.content.decode()
    assert stored(person) == before


def test_a_form_from_before_other_changes_undoes_none(admin):
    person, group = account(), Group.objects.create(name="editors")
    User.objects.filter(pk=person.pk).update(
        is_staff=True, is_superuser=True, last_login="2026-11-20T10:00:00Z"
    )
    person.groups.add(group)
    fields = open_form(admin, page_of(person))
    assert fields["groups"] == [str(group.pk)]
    User.objects.filter(pk=person.pk).update(
        is_active=False, is_staff=False, is_superuser=False, username="lady", last_login=None
    )
    person.groups.clear()
    actions.rename(account("other", ""), "Other")
    before = stored(person)
    assert admin.post(page_of(person), fields | {"first_name": ["Ada"]}).status_code == 302
    assert stored(person) == before | {"first_name": "Ada"}
    assert not person.groups.exists()
    assert '"fields": ["First name"]' in LogEntry.objects.get().change_message


def test_a_form_changes_and_removes_what_it_shows(admin):
    person, group = account(), Group.objects.create(name="editors")
    fields = open_form(admin, page_of(person))
    changes = {"name": ["Lovelace"], "email": [""], "is_staff": ["on"], "groups": [str(group.pk)]}
    assert admin.post(page_of(person), fields | changes).status_code == 302
    person.refresh_from_db()
    assert (person.name, person.email, person.confirmed_email) == ("Lovelace", "", "")
    assert person.is_staff and person.is_active and [*person.groups.all()] == [group]
    fields = open_form(admin, page_of(person))
    del fields["is_staff"], fields["groups"]
    assert admin.post(page_of(person), fields).status_code == 302
    person.refresh_from_db()
    assert not person.is_staff and not person.groups.exists()
    assert person.name_key == "lovelace" and person.check_password(PASSWORD)


def test_the_rooms_of_a_deactivated_person_get_another_owner(admin):
    person, member = account(), actions.create_guest()
    room = create_private_room(person, "Choir")
    add_member(room, member)
    fields = open_form(admin, page_of(person))
    del fields["is_active"]
    assert admin.post(page_of(person), fields).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active
    roles = Membership.objects.filter(room=room).values_list("user", "role")
    assert dict(roles) == {person.pk: Role.OWNER, member.pk: Role.OWNER}


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "staff"])
def test_the_log_of_the_site_forgets_the_names_of_deleted_accounts(admin, is_own):
    person, guest = account(), actions.create_guest()
    names = {person.name, guest.name}
    actions.give_up_name(guest, person)
    for each in (person, guest):
        LogEntry.objects.log_actions(User.objects.get(username="root").pk, [each], 2, "", single_object=True)
    LogEntry.objects.filter(object_id=guest.pk).update(object_repr=guest.name)
    assert {*LogEntry.objects.values_list("object_repr", flat=True)} == names
    if is_own:
        actions.delete_account(person)
    else:
        admin.post(page_of(person).replace("change", "delete"), {"post": "yes"})
    assert LogEntry.objects.count() == 2 + (not is_own)
    assert {*LogEntry.objects.values_list("object_repr", flat=True)} == {"Somebody"}


def test_names_of_accounts_that_were_deleted_with_an_earlier_version_are_forgotten(admin):
    root, deleted, purged, kept = (
        User.objects.get(),
        account(),
        actions.create_guest(),
        actions.create_guest(),
    )
    actions.delete_account(deleted)
    people = {deleted: "Ada", purged: "Bob", kept: "Eve"}
    for person, name in people.items():
        person.name = name
        LogEntry.objects.log_actions(root.pk, [person], 2, "", single_object=True)
    User.objects.filter(pk=purged.pk).delete()
    import_module("accounts.migrations.0010_forgotten_log_entries").forget(apps, None)
    entries = LogEntry.objects.order_by("pk").values_list("object_repr", flat=True)
    assert list(entries) == ["Somebody", "Somebody", "Eve"]
