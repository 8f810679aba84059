"""Permissions: all access to rooms goes through one module."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import actions, permissions
from chat.models import Membership, Message, Role, Room, RoomKind
from mysite.messages import PACKAGES
from tests.servers.processes import ROOT

READS_ROOMS = re.compile(
    r"\b(Room|Message)\.(objects|_default_manager|_base_manager)\b|\.(room|message)_set\b"
)
READS_ALL = re.compile(r"\ball_(rooms|messages)\(")

# Modules that act for no visitor, or for a user who has entered: they may read all rooms.
UNCHECKED = {
    "chat/queries/unread_counts.py",  # the ends of logs of rooms that people have entered
    "chat/actions/rooms.py",
    "chat/actions/members.py",
    "chat/queries/locks.py",
    "chat/actions/change_batch.py",
    "chat/actions/room_events.py",
    "chat/actions/reports.py",
    "chat/actions/message_batch.py",
    "chat/queries/history.py",  # of rooms whose sockets are admitted
    "chat/management/commands/restored.py",
    "chat/permissions.py",
    "chat/purge.py",
    "chat/actions/messages.py",  # of people who are gone
    "chat/erasure.py",
    "chat/personal_data.py",  # what the user wrote
}


def modules_that(pattern):
    for app in PACKAGES:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts and pattern.search(path.read_text()):
                yield str(path.relative_to(ROOT))


def test_no_other_module_reads_rooms_and_messages():
    assert set(modules_that(READS_ROOMS)) == {"chat/permissions.py"}


def test_few_modules_read_rooms_without_a_check():
    assert set(modules_that(READS_ALL)) == UNCHECKED


def test_only_the_active_author_may_change_a_message_and_those_who_moderate_may_delete_it():
    author, other, staff = User(pk=1), User(pk=2), User(pk=3, is_staff=True)
    message = Message(author=author, room=Room())
    may_edit, may_delete = permissions.can_edit, permissions.can_delete
    assert may_edit(author, message, None)
    assert not any(may_edit(user, message, Role.OWNER) for user in (other, staff))
    assert may_delete(staff, message, None, None) and not may_delete(other, message, Role.MEMBER, None)
    assert may_delete(other, message, Role.MODERATOR, Role.MEMBER)
    assert not may_delete(other, message, Role.MODERATOR, Role.MODERATOR)
    assert may_delete(other, message, Role.OWNER, Role.MODERATOR)
    author.is_active = other.is_active = staff.is_active = False
    assert not permissions.can_write(author, message.room, None)
    assert not may_edit(author, message, None)
    assert not may_delete(staff, message, None, None)
    assert not may_delete(other, message, Role.OWNER, None)


def test_staff_do_not_moderate_private_rooms_of_others():
    staff, room = User(pk=1, is_staff=True), Room(kind=RoomKind.PRIVATE)
    assert permissions.can_moderate(staff, Room(), None)
    assert not permissions.can_moderate(staff, room, None)
    assert not permissions.can_delete(staff, Message(author_id=2, room=room), None, Role.MEMBER)
    assert not permissions.can_write(staff, room, None)


def test_people_without_permission_cannot_write(transactional_db, monkeypatch):
    guest, room = create_guest(), actions.open_room("read only")
    message, _ = actions.send(guest, room, "before", uuid4())
    monkeypatch.setattr(permissions, "_may_act", lambda user, room, role: False)
    for change in (
        lambda: actions.send(guest, room, "after", uuid4()),
        lambda: actions.edit(guest, room, message.number, "after"),
        lambda: actions.delete(guest, room, message.number),
    ):
        with pytest.raises(ApiError) as refused:
            change()
        assert refused.value.code == "forbidden"


def test_roles_are_read_of_the_people_who_are_asked_for(transactional_db):
    room = actions.open_room("lobby")
    people = [create_guest() for _ in range(5)]
    Membership.objects.bulk_create(
        Membership(room=room, user=person, role=Role.MODERATOR) for person in people
    )
    asked = (room.pk, people[0].pk)
    with CaptureQueriesContext(connection) as captured:
        assert permissions.load_higher_roles([asked]) == {asked: Role.MODERATOR}
    with connection.cursor() as cursor:
        assert len(cursor.execute(captured[0]["sql"]).fetchall()) == 1
