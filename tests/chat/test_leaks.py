"""Leaks: to everybody else, a private room is as one that does not exist, on every surface."""

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from accounts.actions import create_guest
from accounts.models import User
from accounts.revocation import publish_revocation
from chat import actions, permissions, purge
from chat.actions import invitations, members, rooms
from chat.actions.message_batch import NewMessage
from chat.models import AuditEntry, Membership, Message, Room
from chat.queries import unread_counts
from push.actions import start_feed
from tests.sockets import TIMEOUT, Socket, session_of
from transcripts.actions import request_transcript
from transcripts.models import Transcript

TITLE, TEXT = "Surprise party", "Bring the cake at nine."
MISSING = "~" + "a" * 22

OUTSIDERS = ["no session", "guest", "account", "former member", "deactivated", "staff"]


@dataclass
class Secret:
    """Private room of an owner, with a message; and what a former member keeps of it."""

    owner: User
    room: Room
    number: int
    client_id: UUID
    transcript: Transcript
    invitation: int
    people: dict[str, User] = field(default_factory=dict)

    def address(self, form: str, room: str) -> str:
        values = {"room": room, "number": self.number, "client_id": self.client_id, "person": self.owner.pk}
        return form.format(export=self.transcript.pk, invitation=self.invitation, **values)


def make_secret():
    owner = create_guest()
    room = rooms.create_private_room(owner, TITLE)
    token = invitations.create_invitation(owner, room, "member", "day", "any", "")
    message, _ = actions.send(owner, room, TEXT, uuid4())
    actions.send(owner, actions.open_room("open room"), "for all", uuid4())
    former, account, staff = create_guest(), create_guest(), create_guest()
    for pk, given in ((account.pk, {}), (staff.pk, {"is_staff": True, "is_superuser": True})):
        User.objects.filter(pk=pk).update(is_guest=False, **given)
    invitations.join(former, token)
    transcript = request_transcript(former, room)
    members.remove_member(owner, room, former.pk)
    people = {"guest": create_guest(), "account": account, "former member": former, "staff": staff}
    invitation = room.invitation_set.get().pk
    secret = Secret(owner, room, message.number, message.client_id, transcript, invitation, people)
    deactivated = secret.people["deactivated"] = create_guest()
    User.objects.filter(pk=deactivated.pk).update(is_active=False)
    return secret


@pytest.fixture
def secret(db):
    return make_secret()


def browser(secret, outsider):
    client = Client()
    if user := secret.people.get(outsider):
        client.force_login(user)
    assert (SESSION_KEY in client.session) == (outsider != "no session")
    return client


# Each page of a room, by the names of the URLs, with its query. All of them answer as if there were no room.
PAGES = {
    "room": ["/chat/{room}/"],
    "place": ["/chat/{room}/{number}/"],
    "messages": [
        "/chat/{room}/messages/",
        "/chat/{room}/messages/?before=9",
        "/chat/{room}/messages/?after=9",
    ],
    "stored": ["/chat/{room}/stored/?client_id={client_id}"],
    "involvement": ["/chat/{room}/involvement/"],
    "members": ["/chat/{room}/members/"],
    "person": ["/chat/{room}/people/{person}/"],
    "extend_direct_room": ["/chat/{room}/people/"],
    "room_settings": ["/chat/{room}/settings/"],
    "report": ["/chat/{room}/{number}/report/"],
    "create_invitation": ["/chat/{room}/invitations/"],
    "transcript": ["/chat/{room}/export/{export}/"],
    "transcript_file": ["/chat/{room}/export/{export}/transcript.txt"],
}
FORMS = {
    "involvement": ["/chat/{room}/involvement/"],
    "star": ["/chat/{room}/star/"],
    "leave": ["/chat/{room}/leave/"],
    "request_transcript": ["/chat/{room}/export/"],
    "room_settings": ["/chat/{room}/settings/"],
    "report": ["/chat/{room}/{number}/report/"],
    "set_topic": ["/chat/{room}/topic/"],
    "archive_room": ["/chat/{room}/archive/"],
    "delete_room": ["/chat/{room}/delete/"],
    "extend_direct_room": ["/chat/{room}/people/"],
    "add_member": ["/chat/{room}/members/add/"],
    "leave_private_room": ["/chat/{room}/members/leave/"],
    "remove_member": ["/chat/{room}/members/{person}/remove/"],
    "set_role": ["/chat/{room}/members/{person}/role/"],
    "create_invitation": ["/chat/{room}/invitations/"],
    "revoke_invitation": ["/chat/{room}/invitations/{invitation}/revoke/"],
    "push": ["/push/{room}/"],
    "stop-push": ["/push/{room}/stop/"],
}
GIVEN = {
    "involvement": "all",
    "place": 1,
    "role": "member",
    "lifetime": "day",
    "uses": "any",
    "title": "x",
    "name": "x",
}


def listed(table):
    return [address for addresses in table.values() for address in addresses]


def answer(response, room):
    """Return what a client sees of a response, with the room's address left out."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    headers = {
        name: value for name, value in response.items() if name not in ("Set-Cookie", "Content-Length")
    }
    shown = f"{response.status_code} {headers} {body.decode()}"
    tokens = r'[\d:]+ GMT|nonce-[\w+/=-]+|(?<=name="csrfmiddlewaretoken" value=")\w+|nonce="[^"]+"'
    return re.sub(tokens, "", shown).replace(room, "<room>")


def answer_in_time(send, room):
    """Return what a client sees of a response, and the queries that decide about its time, without values."""
    with CaptureQueriesContext(connection) as captured:
        shown = answer(send(), room)
    return shown, [re.sub(r"'[^']*'(, '[^']*')*|\b\d+\b|_x\d+", "?", query["sql"]) for query in captured]


def test_every_page_of_a_room_stands_in_the_table():
    patterns = get_resolver().reverse_dict
    named = {
        name
        for name in patterns
        if isinstance(name, str)
        and any("room_name" in parameters for each in patterns.getlist(name) for _, parameters in each[0])
    }
    assert named == PAGES.keys() | FORMS.keys()


@pytest.mark.parametrize("address", listed(PAGES))
def test_a_page_is_as_that_of_no_room(secret, subtests, address):
    for outsider in OUTSIDERS:
        with subtests.test(outsider):
            one, other = browser(secret, outsider), browser(secret, outsider)
            answers = [
                answer_in_time(partial(client.get, secret.address(address, room)), room)
                for client, room in ((one, secret.room.name), (other, MISSING))
            ]
            assert answers[0] == answers[1]
            shown, _ = answers[0]
            assert shown.startswith("404")
            assert "no-store" in shown.partition("}")[0]


@pytest.mark.parametrize("address", listed(FORMS))
def test_a_form_is_as_that_of_no_room(secret, subtests, address):
    before = list(Membership.objects.order_by("pk").values())
    for outsider in OUTSIDERS:
        with subtests.test(outsider):
            one, other = browser(secret, outsider), browser(secret, outsider)
            answers = [
                answer_in_time(partial(client.post, secret.address(address, room), GIVEN), room)
                for client, room in ((one, secret.room.name), (other, MISSING))
            ]
            assert answers[0] == answers[1]
            shown, _ = answers[0]
            assert shown.startswith("404")
            assert list(Membership.objects.order_by("pk").values()) == before


LISTS = [
    "/chat/",
    "/chat/open%20room/",
    "/rooms/",
    "/rooms/?asked=party",
    "/rooms/?asked={room}",
    "/rooms/?here={room}",
    "/rooms/?here=open%20room",
    "/rooms/?asked=surprse%20party",
    "/me/",
]


@pytest.mark.parametrize("address", LISTS)
def test_no_list_shows_it(secret, subtests, address):
    for outsider in OUTSIDERS:
        with subtests.test(outsider):
            page = browser(secret, outsider).get(secret.address(address, secret.room.name))
            assert page.status_code == 200 or outsider in ("no session", "deactivated")
            shown = page.content.decode()
            assert TITLE not in shown and TEXT not in shown
            if "{room}" not in address:
                assert secret.room.name not in shown


@pytest.mark.parametrize("model", ["room", "message", "membership", "auditentry"])
def test_staff_who_are_not_members_see_nothing_of_it_in_the_administration(secret, model):
    page = browser(secret, "staff").get(f"/admin/chat/{model}/").content.decode()
    assert TITLE not in page and TEXT not in page
    page = browser(secret, "staff").get("/admin/transcripts/transcript/").content.decode()
    assert TITLE not in page


def test_nor_of_it_once_it_is_deleted(secret):
    page = browser(secret, "staff").get("/admin/chat/auditentry/")
    rooms.delete_room(secret.owner, secret.room, TITLE)
    purge.purge_messages()
    Transcript.objects.filter(room=secret.room).delete()
    purge.purge_rooms()
    assert not Room.objects.filter(pk=secret.room.pk).exists()
    assert AuditEntry.objects.filter(room=None).exists()
    after = browser(secret, "staff").get("/admin/chat/auditentry/")
    assert secret.owner.name not in after.content.decode()
    assert page.content.decode().count("<tr") == after.content.decode().count("<tr")


def test_staff_who_are_not_members_see_no_feed_of_it(secret):
    start_feed(secret.owner, secret.room.name)
    start_feed(secret.owner, "open room")
    page = browser(secret, "staff").get("/admin/push/feed/").content.decode()
    assert "open room" in page and secret.room.name not in page


def test_nobody_else_is_counted_or_mentioned(secret):
    """Not even by number. For readers of open rooms, see test_mentions.py."""
    stranger, former = secret.people["guest"], secret.people["former member"]
    Message.objects.filter(room=secret.room).update(author=former)  # so that they have been there
    chosen = [(each.pk, each.name) for each in (stranger, former)]
    text = f"@{stranger.name} @{former.name}"
    ((message, _),) = actions.write_all([NewMessage(secret.owner, secret.room, text, uuid4(), chosen=chosen)])
    assert message.mentions == []
    assert unread_counts.count_for_people([stranger.pk, secret.people["former member"].pk]) == {
        stranger.pk: [],
        secret.people["former member"].pk: [],
    }


def test_the_members_see_all_of_it(secret):
    """Otherwise nothing above would mean anything."""
    client = Client()
    client.force_login(secret.owner)
    for address in ("/chat/{room}/", "/chat/{room}/{number}/", "/chat/{room}/messages/"):
        assert TEXT in client.get(secret.address(address, secret.room.name)).content.decode()
    for address in ("/chat/", "/rooms/?asked=party", "/rooms/?here={room}", "/chat/{room}/members/"):
        assert TITLE in client.get(secret.address(address, secret.room.name)).content.decode()
    assert permissions.with_access({(secret.room.pk, secret.owner.pk)})


# Each route of a socket, with an address; None for those that belong to no room.
SOCKETS = {
    r"(?s)^ws/chat/(?P<room_name>.+?)/?$": "/ws/chat/{room}/",
    r"(?s)^ws/push/(?P<room_name>.+?)/?$": "/ws/push/{room}/",
    "ws/export/<uuid:pk>/": "/ws/export/{export}/",
    "ws/export/<uuid:pk>": None,  # the same
    "ws/me/": None,
    "ws/me": None,
}


def test_every_socket_stands_in_the_table():
    modules = [import_module(f"{app}.routing") for app in ("chat", "push", "transcripts")]
    routes = [
        route
        for module in modules
        for each in vars(module).values()
        if isinstance(each, list)
        for route in each
    ]
    known = {str(route.pattern) for route in routes}
    assert {each for each in known if "biz" not in each and "client_id" not in each} == SOCKETS.keys()


@pytest.mark.parametrize("path", [path for path in SOCKETS.values() if path])
@pytest.mark.parametrize("subprotocols", [None, ["lobby.v1"]])
async def test_a_socket_is_as_that_of_no_room(database, monkeypatch, path, subprotocols):
    monkeypatch.setattr("push.consumers.ROOM_RETRY_DELAY", 0)
    secret = await database_sync_to_async(make_secret)()
    addresses = [
        secret.address(path.replace("{export}", str(export)), room)
        for room, export in ((secret.room.name, secret.transcript.pk), (MISSING, uuid4()))
    ]
    tried = [(outsider, address) for outsider in OUTSIDERS for address in addresses]
    users = [secret.people.get(outsider) for outsider, _ in tried]
    headers = [await database_sync_to_async(session_of)(user) if user else [] for user in users]
    answers = await asyncio.gather(
        *[
            answer_of_socket(address, of_user, subprotocols)
            for (_, address), of_user in zip(tried, headers, strict=True)
        ]
    )
    assert dict(zip(OUTSIDERS, answers[::2], strict=True)) == dict(zip(OUTSIDERS, answers[1::2], strict=True))
    assert {code for _, code in answers} == {4404}


async def answer_of_socket(address, headers, subprotocols):
    """Return what a socket receives, and the code with which it is closed; None if it stays open."""
    from mysite.asgi import application

    socket, frames = Socket(application, address, headers, subprotocols), []
    await socket.connect(TIMEOUT)
    try:
        while (event := await socket.receive_output(TIMEOUT))["type"] != "websocket.close":
            frames.append(event)
    except TimeoutError:
        return frames, None
    return frames, event["code"]


@pytest.mark.parametrize("path", [path for path in SOCKETS.values() if path])
@pytest.mark.parametrize("noticed_by", ["the notification", "the check"])
async def test_a_socket_of_a_removed_member_closes(database, monkeypatch, path, noticed_by):
    from mysite.asgi import application

    if noticed_by == "the notification":
        monkeypatch.setattr("connections.open_sockets._to_dismiss", AsyncMock(return_value=[]))
    else:  # which has lost the membership
        monkeypatch.setattr(members, "publish_revocation", lambda _: publish_revocation())

    secret = await database_sync_to_async(make_secret)()
    member = secret.people["guest"]
    export = await database_sync_to_async(let_in)(secret, member)
    headers = await database_sync_to_async(session_of)(member)
    address = secret.address(path.replace("{export}", str(export.pk)), secret.room.name)
    socket = Socket(application, address, headers, ["lobby.v1"])
    await socket.connect(TIMEOUT)
    await socket.receive_output(TIMEOUT)  # it has been let in
    await database_sync_to_async(members.remove_member)(secret.owner, secret.room, member.pk)
    assert await socket.close_code() == 4403


def let_in(secret, person):
    token = invitations.create_invitation(secret.owner, secret.room, "member", "day", "any", "")
    invitations.join(person, token)
    return request_transcript(person, secret.room)
