"""Newcomers: in a room that hides its history, earlier messages behave as if they did not exist."""

import json
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone

from accounts.actions import create_guest
from accounts.models import User
from accounts.revocation import publish_revocation
from base.api_errors import ApiError
from chat import actions, permissions
from chat.actions import invitations, members, rooms
from chat.models import AuditEntry, Membership, Role, Room
from chat.queries import unread_counts
from tests.chat.people import browser
from tests.chat.private_rooms import create
from tests.sockets import TIMEOUT, Socket, session_of
from transcripts.actions import request_transcript
from transcripts.models import Transcript
from transcripts.text import find_next_messages

OLD, NEW = "Said before anybody came", "Said afterwards"


class Story:
    """Private room with a message, a member who came then, and a message after that."""

    def __init__(self, history="new"):
        self.owner, self.newcomer = create_guest(), create_guest()
        self.room = rooms.create_private_room(self.owner, "Book club")
        rooms.change_room(self.owner, self.room, {"history": history})
        self.say("The very first message")
        self.old = self.say(OLD)
        token = invitations.create_invitation(self.owner, self.room, "member", "day", "any", "")
        invitations.join(self.newcomer, token)
        self.new = self.say(NEW)
        self.address = f"/chat/{self.room.name}/"

    def say(self, text):
        return actions.send(self.owner, self.room, text, uuid4())[0]

    def entered(self, person):
        """Return the room as a person has entered it."""
        return permissions.enter(person, self.room.name)


@pytest.fixture
def story(transactional_db):
    return Story()


def test_an_owner_chooses_what_new_members_can_read(owning, owner):
    room = create(owning)
    settings = f"/chat/{room}/settings/"
    assert b"New members can read" in owning.get(settings).content
    assert b"New members can read all earlier messages." in owning.get(f"/chat/{room}/members/").content
    assert owning.post(settings, {"title": "Book club", "history": "new"}).status_code == 302
    assert owning.post(settings, {"title": "Book club"}).status_code == 302  # a page of an earlier version
    assert owning.post(settings, {"title": "Book club", "history": "some"}).status_code == 400
    assert Room.objects.get().history == "new"
    assert b"only see messages sent after they join" in owning.get(f"/chat/{room}/members/").content
    assert AuditEntry.objects.filter(action="set_history", reason="new").count() == 1


SURFACES = ["", "messages/", "messages/?before=9", "messages/?after=1", "{number}/"]


@pytest.mark.parametrize("surface", SURFACES)
def test_no_page_shows_a_newcomer_what_was_said_before(story, surface):
    for person, text in ((story.owner, OLD), (story.newcomer, NEW)):
        number = story.old.number if person == story.owner else story.new.number
        page = browser(person).get(story.address + surface.format(number=number)).content.decode()
        assert text in page
        assert (OLD in page) == (person == story.owner)


@pytest.mark.parametrize("surface", ["{number}/", "{number}/report/"])
def test_the_address_of_a_hidden_message_is_as_one_of_no_message(story, surface):
    client, missing = browser(story.newcomer), 999
    pages = [client.get(story.address + surface.format(number=each)) for each in (story.old.number, missing)]
    texts = [page.content.decode().replace(str(missing), str(story.old.number)) for page in pages]
    assert [page.status_code for page in pages] == [404, 404]
    assert OLD not in texts[0]


def test_the_list_of_rooms_shows_no_hidden_last_message(story):
    actions.delete(story.owner, story.room, story.new.number)
    assert OLD in browser(story.owner).get("/chat/").content.decode()
    page = browser(story.newcomer).get("/chat/").content.decode()
    assert "Book club" in page and OLD not in page


def test_the_log_ends_with_the_last_change_that_a_newcomer_may_see(story):
    """By that change the tab proves its cursor, and knows that nothing is missing."""
    changed = actions.edit(story.owner, story.room, story.old.number, "Changed")
    for person, last in ((story.owner, changed), (story.newcomer, story.new)):
        data = browser(person).get(story.address).context["data"]
        assert (data["seq"], data["last_seq"]) == (last.seq, last.seq)
        assert data["last"] == f"{last.number}.{last.client_id}"


def test_newcomers_change_no_hidden_message(story):
    Membership.objects.filter(user=story.newcomer).update(role=Role.OWNER)
    Membership.objects.filter(user=story.owner).update(role=Role.MEMBER)
    room = story.entered(story.newcomer)
    with pytest.raises(ApiError) as refusal:
        actions.delete(story.newcomer, room, story.old.number)
    assert refusal.value.code == "not_found"
    actions.delete(story.newcomer, room, story.new.number)


def test_nothing_hidden_is_unread(story):
    (counts,) = unread_counts.count_for_people([story.newcomer.pk])[story.newcomer.pk]
    assert counts.unread == 1


def test_a_transcript_has_what_its_owner_may_read(story):
    for person, expected in ((story.owner, ["The very first message", OLD, NEW]), (story.newcomer, [NEW])):
        transcript = request_transcript(person, story.entered(person))
        assert [each.text for each in find_next_messages(transcript, 0)] == expected
        assert transcript.total == len(expected)


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_transcript_of_an_earlier_membership_shows_nothing_hidden(story, is_finished):
    member = create_guest()
    token = invitations.create_invitation(story.owner, story.room, "member", "day", "any", "")
    invitations.join(member, token)
    Membership.objects.filter(user=member).update(first_seq=0)  # so that the member has seen all
    before = request_transcript(member, story.entered(member))
    if is_finished:
        Transcript.objects.update(finished_at=timezone.now())
    address = f"{story.address}export/{before.pk}/"
    assert browser(member).get(address).status_code == 200
    members.remove_member(story.owner, story.room, member.pk)
    token = invitations.create_invitation(story.owner, story.room, "member", "day", "any", "")
    invitations.join(member, token)
    for path in ("", "transcript.txt"):
        assert browser(member).get(address + path).status_code == 404
    again = request_transcript(member, story.entered(member))
    assert again.pk != before.pk
    assert not find_next_messages(again, 0)
    assert list(Transcript.objects.filter(owner=member)) == [again]


@pytest.mark.parametrize(("history", "is_told"), [("new", True), ("all", False)])
def test_the_invitation_tells_of_it(transactional_db, client, history, is_told):
    story = Story(history)
    token = invitations.create_invitation(story.owner, story.room, "member", "day", "any", "")
    page = client.get(f"/join/{token}/").content.decode()
    assert ("messages sent after you join" in page) == is_told


def test_the_administration_site_shows_no_hidden_message(story):
    User.objects.filter(pk=story.newcomer.pk).update(is_guest=False, is_staff=True, is_superuser=True)
    page = browser(story.newcomer).get("/admin/chat/message/?q=said").content.decode()
    assert NEW in page and OLD not in page


def test_a_transcript_does_not_tell_that_a_hidden_message_was_deleted(story):
    transcripts = [request_transcript(each, story.entered(each)) for each in (story.owner, story.newcomer)]
    Transcript.objects.update(attempt=1)  # a worker has begun
    actions.delete(story.owner, story.room, story.old.number)
    outdated = [Transcript.objects.get(pk=each.pk).outdated for each in transcripts]
    assert outdated == ["deleted", ""]


def test_people_who_were_members_before_go_on_reading_all(transactional_db):
    story = Story(history="all")
    rooms.change_room(story.owner, story.room, {"history": "new"})
    assert OLD in browser(story.newcomer).get(story.address).content.decode()


def test_an_account_reads_what_its_guest_could_read(story):
    account = create_guest()
    members.add_newcomer(Room.objects.get(), account, Role.MEMBER)
    first_seq = Membership.objects.get(user=story.newcomer).first_seq
    with transaction.atomic():
        members.hand_over(story.newcomer, account)
    assert 0 < Membership.objects.get(user=account).first_seq == first_seq


@pytest.mark.parametrize("subprotocols", [None, ["lobby.v1"]])
async def test_no_socket_sends_a_newcomer_what_was_said_before(database, subprotocols):
    """This includes what is missed after a cursor, and later changes of hidden messages."""
    story = await database_sync_to_async(Story)()
    first = await database_sync_to_async(lambda: Membership.objects.get(user=story.newcomer).first_seq)()
    async with (
        entered(story, story.owner, "?since=0", subprotocols) as owner,
        entered(story, story.newcomer, f"?since={first - 1}", subprotocols) as newcomer,
    ):
        await until(owner, OLD)
        assert OLD not in await until(newcomer, NEW)
        await database_sync_to_async(actions.edit)(story.owner, story.room, story.old.number, "But edited")
        await database_sync_to_async(story.say)("The end")
        assert "But edited" not in await until(newcomer, "The end")
        assert ("But edited" in await until(owner, "The end")) == (subprotocols is not None)


async def test_an_own_hidden_message_is_acknowledged_when_it_is_sent_again(database):
    """The acknowledgement was lost before its author was removed and added again."""
    story, client_id = await database_sync_to_async(Story)(), uuid4()
    async with entered(story, story.newcomer) as socket:
        await say(socket, "once", client_id)
        await until(socket, "once")
    await database_sync_to_async(renew)(story)
    async with entered(story, story.newcomer) as socket:
        await say(socket, "once", client_id)
        assert str(client_id) in await until(socket, '"once"')
    address = f"{story.address}stored/?client_id={client_id}&client_id={story.old.client_id}"
    stored = await database_sync_to_async(lambda: browser(story.newcomer).get(address))()
    assert stored.json() == {"stored": [str(client_id)]}


@pytest.mark.parametrize("subprotocols", [None, ["lobby.v1"]])
async def test_a_cursor_of_an_earlier_membership_is_reset(database, subprotocols):
    """Changes of messages that are hidden now would be missing."""
    story = await database_sync_to_async(Story)()
    await database_sync_to_async(renew)(story)
    await database_sync_to_async(story.say)("for all of us")
    query = f"?since={story.new.number}"
    async with entered(story, story.newcomer, query, subprotocols) as socket:
        received = await until(socket, "reset" if subprotocols else "for all of us")
    assert ('"reset":true' in received) == bool(subprotocols)
    assert NEW not in received


async def test_the_welcome_says_how_far_a_newcomer_sees_the_log(database):
    """Otherwise the tab would wait for changes that it never gets, and mark nothing as read."""
    story = await database_sync_to_async(Story)()
    await database_sync_to_async(actions.edit)(story.owner, story.room, story.old.number, "Changed")
    async with entered(story, story.newcomer, f"?since={story.new.seq}") as socket:
        (welcome,) = await socket.receive()
    assert (welcome["seq"], welcome["last_seq"], welcome["reset"]) == (story.new.seq, story.new.seq, False)


async def test_a_newcomer_gets_unread_counts(database):
    story = await database_sync_to_async(Story)()
    async with entered(story, story.newcomer) as socket:
        await until(socket, '"unread"')


async def test_a_socket_closes_though_its_person_was_added_again_at_once(database, monkeypatch):
    """The notification of the removal may have been lost."""
    story = await database_sync_to_async(Story)()
    monkeypatch.setattr(members, "publish_revocation", lambda _: publish_revocation())
    async with entered(story, story.newcomer) as socket:
        await until(socket, "welcome")
        await database_sync_to_async(renew)(story)
        assert await socket.close_code() == 4403


def renew(story):
    """Remove the newcomer, and add them again."""
    members.remove_member(story.owner, story.room, story.newcomer.pk)
    token = invitations.create_invitation(story.owner, story.room, "member", "day", "any", "")
    invitations.join(story.newcomer, token)


@asynccontextmanager
async def entered(story, person, query="", subprotocols=("lobby.v1",)):
    from mysite.asgi import application

    headers = await database_sync_to_async(session_of)(person)
    address = f"/ws/chat/{story.room.name}/{query}"
    socket = Socket(application, address, headers, subprotocols and [*subprotocols])
    await socket.connect(TIMEOUT)
    yield socket
    await socket.disconnect()


async def say(socket, text, client_id):
    await socket.send_frame(json.dumps({"type": "send", "message": text, "client_id": str(client_id)}))


async def until(socket, text):
    """Return all that a socket receives until a text."""
    received = ""
    while text not in received:
        received += (await socket.receive_output(TIMEOUT))["text"]
    return received
