"""Permissions: all access to rooms goes through one module."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import actions, permissions
from chat.actions import Member
from chat.actions.message_batch import NewMessage
from chat.models import Message, Room
from chat.queries import unread_counts
from mysite.messages import PACKAGES
from tests.servers.processes import ROOT
from tests.sockets import TIMEOUT, Socket, session_of
from transcripts.actions import request_transcript
from transcripts.models import Transcript

READS_ROOMS = re.compile(
    r"\b(Room|Message)\.(objects|_default_manager|_base_manager)\b|\.(room|message)_set\b"
)
READS_ALL = re.compile(r"\ball_(rooms|messages)\(")

# Modules that act for no visitor, or for a user who has entered: they may read all rooms.
UNCHECKED = {
    "chat/queries/unread_counts.py",  # the ends of logs of rooms that people have entered
    "chat/actions/rooms.py",
    "chat/queries/locks.py",
    "chat/actions/change_batch.py",
    "chat/actions/message_batch.py",
    "chat/queries/history.py",  # of rooms whose sockets are admitted
    "chat/management/commands/restored.py",
    "chat/permissions.py",
}

SECRET = "secret room"
TEXT = "of the secret"


def modules_that(pattern):
    for app in PACKAGES:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts and pattern.search(path.read_text()):
                yield str(path.relative_to(ROOT))


def test_no_other_module_reads_rooms_and_messages():
    assert set(modules_that(READS_ROOMS)) == {"chat/permissions.py"}


def test_few_modules_read_rooms_without_a_check():
    assert set(modules_that(READS_ALL)) == UNCHECKED


@dataclass
class Secret:
    """Room that only its founder may see: an example of a private room."""

    founder: User
    reader: User
    number: int
    client_id: UUID
    export: Transcript
    is_hidden: bool = True

    def hides(self, name, visitor):
        founder = getattr(visitor, "pk", visitor) == self.founder.pk
        return self.is_hidden and name == SECRET and not founder


@pytest.fixture
def secret(transactional_db, monkeypatch):
    founder, reader = create_guest(), create_guest()
    room, other = actions.open_room(SECRET), actions.open_room("open room")
    message, _ = actions.send(founder, room, TEXT, uuid4())
    actions.send(founder, other, "for all", uuid4())
    actions.mark_read({Member.of(reader, room): 0})
    secret = Secret(founder, reader, message.number, message.client_id, request_transcript(reader, room))
    enter_all, memberships_of = permissions.enter_all, permissions.memberships_of

    def visible_rooms(visitor):
        hidden = [SECRET] if secret.hides(SECRET, visitor) else []
        return permissions.all_rooms().exclude(name__in=hidden)

    def visible_messages(visitor):
        return permissions.all_messages().filter(room__in=visible_rooms(visitor))

    def some_entered(wanted):
        entered = enter_all(wanted)
        return {pair: room for pair, room in entered.items() if not secret.hides(room.name, pair[0])}

    def memberships_of_some(people):
        return memberships_of(people).exclude(room__name__in=[SECRET] if secret.is_hidden else [])

    def with_access_now(wanted):
        hidden = {room.pk} if secret.is_hidden else set()
        return {(where, person) for where, person in wanted if where not in hidden or person == founder.pk}

    monkeypatch.setattr(permissions, "visible_rooms", visible_rooms)
    monkeypatch.setattr(permissions, "visible_messages", visible_messages)
    monkeypatch.setattr(permissions, "enter_all", some_entered)
    monkeypatch.setattr(permissions, "memberships_of", memberships_of_some)
    monkeypatch.setattr(permissions, "with_access", with_access_now)
    return secret


def browser(user):
    client = Client()
    client.force_login(user)
    return client


# Pages with the room or its message, and their status for people without access. An unused name is that of a
# new room.
PAGES = [
    ("/chat/secret%20room/", 200),
    ("/chat/secret%20room/{number}/", 404),
    ("/chat/secret%20room/messages/", 404),
    ("/chat/secret%20room/messages/?before=9", 404),
    ("/chat/secret%20room/stored/?client_id={client_id}", 404),
    ("/chat/secret%20room/export/{export}/", 404),
    ("/chat/", 200),
    ("/chat/open%20room/", 200),
    ("/rooms/?asked=secre", 200),
    ("/rooms/?asked=secre&here=open%20room", 200),
    ("/admin/chat/room/", 200),
    ("/admin/chat/message/", 200),
    ("/admin/chat/membership/", 200),
    ("/admin/transcripts/transcript/", 200),
]


@pytest.mark.parametrize(("address", "status"), PAGES)
def test_a_page_shows_a_room_only_to_those_who_may_see_it(secret, address, status):
    if address.startswith("/admin/"):
        User.objects.filter(pk=secret.reader.pk).update(is_staff=True, is_superuser=True)
    address = address.format(number=secret.number, client_id=secret.client_id, export=secret.export.pk)
    shown = TEXT if address == "/chat/secret%20room/" else f"{TEXT}|{SECRET}|{secret.client_id}"
    page = browser(secret.reader).get(address)
    assert page.status_code == status
    assert not re.search(shown, page.content.decode())
    secret.is_hidden = False
    page = browser(secret.reader).get(address)
    assert page.status_code == 200
    assert re.search(shown, page.content.decode())


FORMS = ["/chat/secret%20room/involvement/", "/chat/secret%20room/export/", "/chat/secret%20room/leave/"]
FORMS += ["/push/secret%20room/", "/push/secret%20room/stop/"]


@pytest.mark.parametrize("address", FORMS)
def test_a_form_reaches_a_room_only_for_those_who_may_see_it(secret, address):
    given = {"involvement": "all"}
    assert browser(secret.reader).post(address, given).status_code == 404
    secret.is_hidden = False
    assert browser(secret.reader).post(address, given).status_code in (200, 303)


def test_only_the_active_author_may_change_a_message_and_staff_may_delete_it():
    author, other = User(pk=1), User(pk=2)
    message = Message(author=author, room=Room())
    assert permissions.can_edit(author, message)
    assert not permissions.can_edit(other, message)
    author.is_active = False
    assert not permissions.can_write(author, message.room)
    assert not permissions.can_edit(author, message)
    staff = User(pk=3, is_staff=True)
    assert not permissions.can_edit(staff, message)
    assert permissions.can_delete(staff, message) and not permissions.can_delete(other, message)
    staff.is_active = False
    assert not permissions.can_delete(staff, message)


def test_people_without_permission_cannot_write(transactional_db, monkeypatch):
    guest, room = create_guest(), actions.open_room("read only")
    message, _ = actions.send(guest, room, "before", uuid4())
    monkeypatch.setattr(permissions, "can_write", lambda user, room: False)
    for change in (
        lambda: actions.send(guest, room, "after", uuid4()),
        lambda: actions.edit(guest, room, message.number, "after"),
        lambda: actions.delete(guest, room, message.number),
    ):
        with pytest.raises(ApiError) as refused:
            change()
        assert refused.value.code == "forbidden"


def test_a_transcript_is_missing(secret):
    address = f"/chat/secret%20room/export/{secret.export.pk}/transcript.txt"
    assert browser(secret.reader).get(address).status_code == 404


@pytest.mark.parametrize("is_chosen", [False, True])
def test_a_message_mentions_only_people_who_may_see_the_room(secret, is_chosen):
    room, name = actions.open_room(SECRET, secret.founder.pk), secret.reader.name
    chosen = [(secret.reader.pk, name)] if is_chosen else []

    def mentioned():
        entry = NewMessage(secret.founder, room, f"@{name}", uuid4(), chosen=chosen)
        ((message, _),) = actions.write_all([entry])
        return [mention.user_id for mention in message.mentions]

    assert mentioned() == []
    secret.is_hidden = False
    assert mentioned() == [secret.reader.pk]


def test_unread_messages_are_not_counted(secret):
    assert unread_counts.count_for_people([secret.reader.pk]) == {secret.reader.pk: []}
    secret.is_hidden = False
    (place,) = unread_counts.count_for_people([secret.reader.pk])[secret.reader.pk]
    assert (place.name, place.unread) == (SECRET, 1)


@pytest.mark.parametrize(
    "path", ["/ws/chat/secret%20room/", "/ws/push/secret%20room/", "/ws/export/{export}/"]
)
@pytest.mark.parametrize("subprotocols", [None, ["lobby.v1"]])
async def test_a_socket_is_refused(database, secret, path, subprotocols):
    from mysite.asgi import application

    headers = await sync_to_async(session_of)(secret.reader)
    socket = Socket(application, path.format(export=secret.export.pk), headers, subprotocols)
    await socket.connect(TIMEOUT)
    assert await socket.close_code() == 4404
