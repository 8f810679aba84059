"""Private rooms: members, invitations and roles, through pages and sockets."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.actions import ban, create_guest, delete_account, remove_account, rename
from accounts.models import User
from accounts.purge import purge_guests
from accounts.revocation import publish_revocation
from chat import actions
from chat.actions import Member, members, memberships, rooms
from chat.models import AuditEntry, Invitation, Membership, Message, Role, Room
from chat.queries import locks, room_list, unread_counts
from connections import open_sockets
from live import hub
from tests.chat.people import browser
from tests.chat.private_rooms import create, invite

SIGN_IN = {"username": "ada", "password": "correct horse 9 staple"}


def joined(owning, room, **given):
    """Return a new member, and their browser."""
    member = create_guest()
    client = browser(member)
    response = client.post(invite(owning, room, **given))
    assert (response.status_code, response.url) == (302, f"/chat/{room}/")
    return member, client


def test_who_makes_a_private_room_owns_it_and_finds_it_everywhere(owning, owner, room):
    (membership,) = Membership.objects.filter(room__key=room)
    assert (membership.user_id, membership.role) == (owner.pk, Role.OWNER)
    for address in ("/chat/", f"/chat/{room}/", "/rooms/?asked=book", f"/chat/{room}/members/"):
        page = owning.get(address)
        assert page.status_code == 200
        assert "Book club" in page.content.decode()
    for spelling in (room, room.replace("~", "%EF%BD%9E"), f"%20{room}"):
        assert owning.get(f"/chat/{spelling}/")["Cache-Control"].count("no-store") == 1


def test_names_of_private_rooms_need_not_be_unique(owning, room):
    assert create(owning, "Book club") != room


@pytest.mark.parametrize("title", ["", " ", "x" * 65, "\u202e"])
def test_a_bad_name_is_told_at_the_field(owning, title):
    page = owning.post("/rooms/private/", {"title": title})
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    assert not Room.objects.exists()
    people = User.objects.count()
    assert Client().post("/rooms/private/", {"title": title}).status_code == 400
    assert User.objects.count() == people


def test_a_link_invites_as_often_as_it_may(owning, room):
    link = invite(owning, room, uses="one")
    first, second = browser(create_guest()), browser(create_guest())
    page = first.get(link)
    assert "Book club" in page.content.decode()
    assert first.post(link).url == f"/chat/{room}/"
    assert first.get(f"/chat/{room}/").status_code == 200
    for response in (second.get(link), second.post(link), second.get("/join/wrong/")):
        assert response.status_code == 404
        assert "no longer valid" in response.content.decode()
    assert second.get(f"/chat/{room}/").status_code == 404


def test_only_the_hash_of_a_link_is_stored(owning, room):
    token = invite(owning, room).split("/")[2]
    (stored,) = Invitation.objects.values()
    assert token not in str(stored)


def test_a_visitor_without_a_session_becomes_a_guest_by_joining(owning, room):
    link, client = invite(owning, room), Client()
    before = User.objects.count()
    client.get(link)
    assert User.objects.count() == before
    assert client.post(link).url == f"/chat/{room}/"
    assert "Book club" in client.get(f"/chat/{room}/").content.decode()


@pytest.mark.parametrize("ended", ["revoked", "expired", "removed", "demoted", "deactivated"])
def test_an_invitation_ends(owning, owner, room, ended):
    other, other_client = joined(owning, room)
    Membership.objects.filter(user=other).update(role=Role.OWNER)
    link = invite(other_client, room)
    invitation = Invitation.objects.get(inviter=other)
    if ended == "revoked":
        owning.post(f"/chat/{room}/invitations/{invitation.pk}/revoke/")
    elif ended == "expired":
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())
    elif ended == "removed":
        other_client.post(f"/chat/{room}/members/leave/")
    elif ended == "demoted":
        owning.post(f"/chat/{room}/members/{other.pk}/role/", {"role": "moderator"})
    else:
        User.objects.filter(pk=other.pk).update(is_active=False)
    client = browser(create_guest())
    assert client.get(link).status_code == client.post(link).status_code == 404


def test_the_page_of_members_changes_roles_and_removes(owning, owner, room):
    member, client = joined(owning, room)
    assert owning.post(f"/chat/{room}/members/{member.pk}/role/", {"role": "moderator"}).status_code == 302
    assert Membership.objects.get(user=member).role == Role.MODERATOR
    assert client.post(f"/chat/{room}/members/{owner.pk}/remove/").status_code == 403
    assert client.post(f"/chat/{room}/members/{owner.pk}/role/", {"role": "member"}).status_code == 400
    assert client.post(f"/chat/{room}/invitations/", {"role": "member"}).status_code == 400
    assert owning.post(f"/chat/{room}/members/{member.pk}/remove/").status_code == 302
    assert client.get(f"/chat/{room}/").status_code == client.get(f"/chat/{room}/members/").status_code == 404
    told = AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "person_name", "room_name")
    assert list(told)[1:] == [
        ("change_role", owner.name, member.name, "Book club"),
        ("remove_member", owner.name, member.name, "Book club"),
    ]


def test_moderators_act_on_members_only(owning, room):
    _moderator, client = joined(owning, room, role="moderator")
    other, _ = joined(owning, room, role="moderator")
    member, _ = joined(owning, room)
    assert client.post(f"/chat/{room}/members/{other.pk}/remove/").status_code == 403
    assert client.post(f"/chat/{room}/members/{member.pk}/remove/").status_code == 302


def test_a_removal_locks_the_room_before_its_invitations_as_joining_does(owning, owner, room):
    """Otherwise PostgreSQL ends one of the two by a deadlock, if they happen at the same moment."""
    member, _client = joined(owning, room)
    calls = mock.Mock()
    with (
        mock.patch.object(locks, "lock_rooms", calls.lock),
        mock.patch.object(members, "_revoke", calls.revoke),
    ):
        members.remove_member(owner, Room.objects.get(key=room), member.pk)
    assert [name for name, *_ in calls.mock_calls][:2] == ["lock", "revoke"]


def test_who_was_removed_does_not_come_back_by_the_same_link(owning, room):
    link = invite(owning, room)
    member, guest = create_guest(), create_guest()
    client = browser(member)
    client.post(link)
    owning.post(f"/chat/{room}/members/{member.pk}/remove/")
    for each in (client, browser(guest)):
        assert each.post(link).status_code == 404
        assert each.get(f"/chat/{room}/").status_code == 404
    assert browser(guest).post(invite(owning, room)).status_code == 302


def test_who_was_demoted_does_not_become_moderator_again_by_the_same_link(owning, room):
    link = invite(owning, room, role="moderator")
    member = create_guest()
    client = browser(member)
    client.post(link)
    owning.post(f"/chat/{room}/members/{member.pk}/role/", {"role": "member"})
    client.post(f"/chat/{room}/members/leave/")
    assert client.post(link).status_code == 404


def test_who_leaves_in_two_tabs_at_once_leaves_once(owning, owner, room, monkeypatch):
    _, client = joined(owning, room)
    leave = memberships.leave

    def leave_twice(*given):
        leave(*given)
        leave(*given)

    monkeypatch.setattr(memberships, "leave", leave_twice)
    answer = client.post(f"/chat/{room}/members/leave/")
    assert answer.status_code == 404 and "Members" not in answer.content.decode()
    assert list(Message.objects.order_by("seq").values_list("event", flat=True)) == ["joined", "left"]


def test_a_room_that_is_deleted_while_it_is_changed_is_missing(owning, owner, room, monkeypatch):
    member, _ = joined(owning, room)
    log_event = members.log_event

    def delete_before(actor, *event):
        Message.objects.all().delete()
        Membership.objects.all().delete()
        Room.objects.all().delete()
        return log_event(actor, *event)

    monkeypatch.setattr(members, "log_event", delete_before)
    assert owning.post(f"/chat/{room}/members/{member.pk}/remove/").status_code == 404


def test_an_owner_who_is_alone_stays_one(owning, owner, room):
    assert owning.post(f"/chat/{room}/members/{owner.pk}/role/", {"role": "member"}).status_code == 400
    assert owning.post(f"/chat/{room}/members/leave/").url == "/chat/"  # and takes the room along


def test_an_owner_who_is_deactivated_does_not_count(owning, owner, room):
    other, _ = joined(owning, room)
    member, _ = joined(owning, room)
    Membership.objects.filter(user=other).update(role=Role.OWNER)
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert owning.post(f"/chat/{room}/members/leave/").status_code == 400
    assert Membership.objects.get(user=member).role == Role.MEMBER


@pytest.mark.parametrize("end", [delete_account, remove_account, lambda user: ban(user, timedelta(hours=1))])
def test_the_room_of_an_only_owner_goes_to_the_highest_member_who_came_first(owning, owner, room, end):
    _member, _ = joined(owning, room)
    first, _ = joined(owning, room, role="moderator")
    _second, _ = joined(owning, room, role="moderator")
    end(owner)
    owners = Membership.objects.filter(role=Role.OWNER, user__is_active=True)
    assert [each.user_id for each in owners] == [first.pk]


def test_a_guest_who_signs_in_takes_private_rooms_along(owning, owner, room):
    other = User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    stranger = create_guest()
    for person in (owner, other, stranger):
        actions.send(person, actions.open_room("meeting"), "hello", uuid4())
    direct = message(owning, other)  # with oneself, soon
    talk = message(owning, stranger).url
    page = owning.get("/me/sign-in/").content.decode()
    assert "rooms and orders" in page and "Book club" in page and stranger.name in page
    assert owning.post("/me/sign-in/", SIGN_IN | {"take": "on"}).status_code == 302
    assert owning.get(f"/chat/{room}/members/").status_code == 200
    assert Membership.objects.get(room__key=room).role == Role.OWNER
    assert owning.get(talk).status_code == 200
    assert message(owning, stranger).url == talk
    assert message(browser(stranger), other).url == talk
    assert owning.get(direct.url).status_code == 200


@pytest.mark.parametrize("ends_with_browser", [True, False])
def test_who_signs_in_on_the_device_of_a_guest_need_not_take_the_rooms(owning, room, ends_with_browser):
    User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    member, _ = joined(owning, room)
    if ends_with_browser:  # "Not on this device"
        session = owning.session
        session.set_expiry(0)
        session.save()
        assert "rooms and orders" not in owning.get("/me/sign-in/").content.decode()
    told = owning.get("/me/sign-in/").content.decode()
    assert "rooms without other members are deleted" in told
    assert ("this guest leaves all private and direct rooms" in told) == ends_with_browser
    owning.post("/me/sign-in/", SIGN_IN | {"asked": "1"} | ({"take": "on"} if ends_with_browser else {}))
    assert owning.get(f"/chat/{room}/").status_code == 404
    assert Membership.objects.get(user=member).role == Role.OWNER
    assert Membership.objects.filter(room__key=room).count() == 1  # the guest cannot come back


def test_a_sign_in_page_that_did_not_ask_takes_the_rooms_along(owning, room):
    User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    owning.post("/me/sign-in/", SIGN_IN)  # it was opened before the first room
    assert owning.get(f"/chat/{room}/members/").status_code == 200


def test_the_direct_room_of_a_guest_who_has_another_as_an_account_is_kept(owning, owner):
    account = User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    other = create_guest()
    for person in (owner, account, other):
        actions.send(person, actions.open_room("meeting"), "hello", uuid4())
    of_account, of_guest = message(browser(account), other).url, message(owning, other).url
    actions.send(owner, Room.objects.get(key=of_guest.split("/")[2]), "My address is Main St 1.", uuid4())
    owning.post("/me/sign-in/", SIGN_IN | {"take": "on"})
    assert "Main St 1" in owning.get(of_guest).content.decode()
    assert message(owning, other).url == of_account
    for address in (of_account, of_guest):
        assert address in owning.get("/chat/").content.decode()


def test_a_room_with_members_keeps_an_owner(owning, owner, room):
    member, _ = joined(owning, room)
    refused = owning.post(f"/chat/{room}/members/{owner.pk}/role/", {"role": "member"})
    assert (refused.status_code, "only owner" in refused.content.decode()) == (400, True)
    assert owning.post(f"/chat/{room}/members/leave/").status_code == 400
    owning.post(f"/chat/{room}/members/{member.pk}/role/", {"role": "owner"})
    assert owning.post(f"/chat/{room}/members/leave/").url == "/chat/"
    assert owning.get(f"/chat/{room}/").status_code == 404


def test_reading_does_not_bring_a_removed_person_back(owning, room):
    """Their read position may be stored after the removal."""
    member, client = joined(owning, room)
    found = Room.objects.get(key=room)
    actions.send(member, found, "hello", uuid4())
    read = {Member.of(member, found): 1}
    actions.mark_read(read)
    assert Membership.objects.get(user=member).last_read == 1
    owning.post(f"/chat/{room}/members/{member.pk}/remove/")
    actions.mark_read(read)
    for form, given in (("star", {"place": 1}), ("involvement", {"involvement": "all"})):
        assert client.post(f"/chat/{room}/{form}/", given).status_code == 404
    assert not Membership.objects.filter(user=member).exists()


def test_a_guest_who_is_a_member_is_not_purged(owning, room):
    member, _ = joined(owning, room)
    stranger = create_guest()
    User.objects.update(date_joined=timezone.now() - timedelta(days=30), seen_at=None)
    purge_guests()
    assert User.objects.filter(pk=member.pk).exists()
    assert not User.objects.filter(pk=stranger.pk).exists()


def test_a_member_sees_unread_messages_under_the_rooms_name(owning, owner, room):
    member, _ = joined(owning, room)
    actions.send(owner, Room.objects.get(key=room), "hello", uuid4())
    (counts,) = unread_counts.count_for_people([member.pk])[member.pk]
    assert (counts.name, counts.title, counts.unread) == (room, "Book club", 1)


def test_no_open_room_looks_like_a_private_one(transactional_db):
    client = browser(create_guest())
    assert client.get("/chat/~books/").status_code == 404
    assert client.get("/chat/%EF%BD%9Ebooks/").status_code == 404  # a fullwidth tilde
    page = client.get("/rooms/?asked=~books").content.decode()
    assert "begin with" in page


async def member_of(connect, **given):
    owner, member = await database_sync_to_async(lambda: (create_guest(), create_guest()))()
    room = await database_sync_to_async(lambda: create(browser(owner)))()
    await Membership.objects.acreate(user=member, room=await Room.objects.aget(key=room), **given)
    return owner, member, room


async def test_members_talk_and_others_are_refused(connect, guest):
    owner, member, room = await member_of(connect)
    one, two = await connect(room, user=owner), await connect(room, user=member)
    assert (await one.event("welcome"))["room"] == room
    await two.say("hello")
    assert (await one.event("message"))["message"] == "hello"
    for client in (
        await connect(room, user=guest),
        await connect(room),
        await connect(room, plain=True),
        await connect("~" + "a" * 22, user=guest),
    ):
        assert await client.close_code() == 4404


@pytest.mark.parametrize("is_published", [True, False])
async def test_a_removed_member_is_disconnected_and_says_no_more(connect, is_published, monkeypatch):
    owner, member, room = await member_of(connect)
    one, two = await connect(room, user=owner), await connect(room, user=member)
    await two.event("welcome")
    if is_published:
        await database_sync_to_async(
            lambda: browser(owner).post(f"/chat/{room}/members/{member.pk}/remove/")
        )()
        assert await two.close_code() == 4403
        assert (await one.event("message"))["event"] == "removed"
    else:  # the notification is lost: what was sent before the next comparison is refused all the same
        await Membership.objects.filter(user=member).adelete()
        await two.say("too late")
        assert (await two.event("error"))["code"] == "forbidden"
    assert await one.hears_none("message")


async def test_a_member_who_lost_access_changes_nothing(connect):
    _owner, member, room = await member_of(connect)
    two = await connect(room, user=member)
    await two.say("hello")
    await two.event("message")
    await Membership.objects.filter(user=member).adelete()
    for change in ({"type": "edit", "message": "bye"}, {"type": "delete"}):
        await two.send_command(number=1, **change)
        assert (await two.event("error"))["code"] == "forbidden"


@pytest.mark.parametrize(("role", "is_removed"), [("moderator", True), ("member", False)])
async def test_a_moderator_removes_messages_of_members(connect, role, is_removed):
    _owner, member, room = await member_of(connect, role=role)
    other = await database_sync_to_async(create_guest)()
    await Membership.objects.acreate(user=other, room=await Room.objects.aget(key=room))
    author, two = await connect(room, user=other), await connect(room, user=member)
    await author.say("buy now")
    await two.event("message")
    await two.send_command(type="delete", number=1, reason="Advertising")
    if is_removed:
        assert (await author.event("message"))["message"] == "buy now"
        assert (await author.event("message"))["removed"] == "Advertising"
    else:
        assert (await two.event("error"))["code"] == "forbidden"


async def test_a_direct_room_is_told_under_the_others_present_name(connect, two_people):
    ada, bob, of_ada, _of_bob = two_people
    room = (await database_sync_to_async(message)(of_ada, bob)).url.split("/")[2]
    for name in (bob.name, "Bob the Second"):
        await User.objects.filter(pk=bob.pk).aupdate(name=name)
        assert (await (await connect(room, user=ada)).event("welcome"))["settings"] == {"title": name}
    await Membership.objects.filter(user=bob).adelete()
    assert (await (await connect(room, user=ada)).event("welcome"))["settings"] == {"title": "Somebody"}


@pytest.mark.parametrize("is_published", [True, False])
async def test_a_new_role_is_told(connect, is_published, monkeypatch):
    owner, member, room = await member_of(connect)
    one, two = await connect(room, user=owner), await connect(room, user=member)
    if not is_published:
        monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
        monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 0.1)
    assert (await one.event("welcome"))["settings"] == {
        "title": "Book club",
        "is_owner": True,
        "moderates": True,
    }
    assert (await two.event("welcome"))["settings"] == {"title": "Book club"}
    post = database_sync_to_async((await database_sync_to_async(browser)(owner)).post)
    for role, told in (
        ("moderator", {"moderates": True}),
        ("owner", {"moderates": True, "is_owner": True}),
        ("member", {}),
    ):
        if is_published:
            await post(f"/chat/{room}/members/{member.pk}/role/", {"role": role})
        else:  # the notification is lost
            await Membership.objects.filter(user=member).aupdate(role=role)
        event = await two.event("role")
        assert {key: event[key] for key in ("is_owner", "moderates") if event[key]} == told
        again = await connect(room, user=member)
        assert (await again.event("welcome"))["settings"] == {"title": "Book club"} | told
    assert await one.hears_none("role")


async def test_a_member_who_sees_more_of_the_history_reconnects(connect):
    """After signing in as a guest who joined earlier. It is no removal."""
    _owner, member, room = await member_of(connect)
    await Membership.objects.filter(user=member).aupdate(first_seq=2)
    two = await connect(room, user=member)
    await two.event("welcome")
    await Membership.objects.filter(user=member).aupdate(first_seq=1)
    await database_sync_to_async(publish_revocation)()
    assert await two.close_code() == 1012


async def test_a_guest_who_becomes_staff_moderates_in_open_tabs(connect, guest, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 0.1)
    other = await database_sync_to_async(create_guest)()
    await (await connect("lobby", user=other)).event("welcome")
    socket = await connect("lobby", user=guest)
    assert "moderates" not in (await socket.event("welcome"))["settings"]
    for is_staff in (True, False):
        await User.objects.filter(pk=guest.pk).aupdate(is_staff=is_staff)
        assert (await socket.event("role"))["moderates"] == is_staff


async def test_a_moderator_removes_no_message_of_an_owner(connect):
    owner, member, room = await member_of(connect, role="moderator")
    one, two = await connect(room, user=owner), await connect(room, user=member)
    await one.say("my house")
    await two.event("message")
    await two.send_command(type="delete", number=1)
    assert (await two.event("error"))["code"] == "forbidden"


# Direct rooms


def message(client, person, room="meeting"):
    return client.post("/rooms/direct/", {"person": person.pk, "room": room})


@pytest.fixture
def two_people(transactional_db):
    """Return two people who have met in an open room, with their browsers."""
    ada, bob = create_guest(), create_guest()
    for person in (ada, bob):
        actions.send(person, actions.open_room("meeting"), "hello", uuid4())
    return ada, bob, browser(ada), browser(bob)


def test_two_people_always_find_the_same_room_under_each_others_names(two_people):
    ada, bob, of_ada, of_bob = two_people
    address = message(of_ada, bob).url
    assert re.fullmatch(r"/chat/~[a-z0-9]{22}/", address)
    assert message(of_bob, ada).url == message(of_ada, bob).url == address
    for client, other in ((of_ada, bob), (of_bob, ada)):
        for page in (address, "/chat/", f"/rooms/?asked={other.name.split()[0]}"):
            assert other.name in client.get(page).content.decode()
    actions.send(ada, Room.objects.get(kind="direct"), "hello", uuid4())
    counts = unread_counts.count_for_people([bob.pk])[bob.pk][0]
    assert (counts.title, counts.unread, counts.newest) == (ada.name, 1, 1)  # notified of every message
    User.objects.filter(pk=ada.pk).update(name="Ada the Second")
    assert "Ada the Second" in of_bob.get("/chat/").content.decode()


def test_a_direct_room_is_of_two_people_for_ever(two_people):
    _ada, bob, of_ada, of_bob = two_people
    address = message(of_ada, bob).url
    assert browser(create_guest()).get(address).status_code == 404
    assert of_bob.post(f"{address}leave/").status_code == 403
    for form in ("members/leave/", "invitations/", f"members/{bob.pk}/remove/"):
        assert of_ada.post(address + form).status_code == 404
    assert of_ada.get(f"{address}members/").status_code == 404
    assert Membership.objects.filter(room__kind="direct").count() == 2


@pytest.mark.parametrize("who", ["myself", "nobody", "a stranger", "somebody deactivated", "no number"])
def test_who_cannot_be_reached_is_all_the_same(two_people, who):
    ada, bob, of_ada, _ = two_people
    stranger = create_guest()  # they have not met: who only reads is seen by nobody
    actions.mark_read({Member.of(stranger, actions.open_room("meeting")): 0})
    persons = {"myself": ada.pk, "nobody": 10**15, "a stranger": stranger.pk, "no number": "x" * 30}
    if who == "somebody deactivated":
        User.objects.filter(pk=bob.pk).update(is_active=False)
    response = of_ada.post("/rooms/direct/", {"person": persons.get(who, bob.pk), "room": "meeting"})
    assert response.status_code == 404
    assert "can&#x27;t be reached" in response.content.decode()
    assert not Room.objects.filter(kind="direct").exists()


def test_members_of_a_private_room_reach_each_other_and_nobody_else_does(owning, owner, room):
    _member, client = joined(owning, room)
    assert message(browser(create_guest()), owner, room).status_code == 404
    assert message(client, owner, room).status_code == 302


def test_the_name_of_a_person_who_left_is_not_needed(two_people):
    ada, bob, of_ada, _ = two_people
    address = message(of_ada, bob).url
    delete_account(bob)
    assert "Somebody" in of_ada.get(address).content.decode()
    assert ada.name


def test_both_press_at_the_same_moment(two_people):
    ada, bob, *_ = two_people
    room = Room.objects.get(name="meeting")
    pressed = [
        lambda: rooms.open_direct_room(ada, bob.pk, room),
        lambda: rooms.open_direct_room(bob, ada.pk, room),
    ]
    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(closing_connections, each) for each in pressed * 4]
        found = {future.result().pk for future in futures}
    assert len(found) == 1


def closing_connections(function):
    try:
        return function()
    finally:
        connection.close()


def listed(user):
    return {counts.title for counts in unread_counts.count_for_people([user.pk])[user.pk]}


def test_a_direct_room_that_another_has_opened_comes_into_the_lists_with_its_first_message(two_people):
    ada, bob, of_ada, _ = two_people
    room = Room.objects.get(key=message(of_ada, bob).url.split("/")[2])
    assert (listed(ada), listed(bob)) == ({bob.name}, set())
    actions.send(ada, room, "hello", uuid4())
    assert listed(bob) == {ada.name}


def test_strangers_take_no_place_of_own_rooms(two_people, monkeypatch):
    monkeypatch.setattr(unread_counts, "MAX_ROOMS", 2)
    monkeypatch.setattr(unread_counts, "MAX_REQUESTS", 2)
    _, bob, _, of_bob = two_people
    actions.star(bob, actions.open_room("starred"), 1)
    team = Room.objects.get(key=create(of_bob, "My team"))
    before = listed(bob)
    for _stranger in range(9):
        stranger = create_guest()
        room = Room.objects.get(key=message(browser(stranger), bob).url.split("/")[2])
        actions.send(stranger, room, "Buy this!", uuid4())
    assert before < listed(bob) and len(listed(bob) - before) == 2
    assert team.title in listed(bob)
    actions.send(bob, room, "No.", uuid4())
    assert stranger.name in listed(bob)


def write_later(author, room, minutes):
    """Send a message that many minutes from now."""
    with mock.patch.object(timezone, "now", return_value=timezone.now() + timedelta(minutes=minutes)):
        actions.send(author, room, "Are you there?", uuid4())


def test_strangers_do_not_hide_who_writes_later(two_people, monkeypatch):
    monkeypatch.setattr(unread_counts, "MAX_REQUESTS", 2)
    ada, bob, of_ada, _ = two_people
    friends = Room.objects.get(key=message(of_ada, bob).url.split("/")[2])
    actions.send(ada, friends, "hello", uuid4())
    for _stranger in range(2):
        stranger = create_guest()
        room = Room.objects.get(key=message(browser(stranger), bob).url.split("/")[2])
        actions.send(stranger, room, "Buy this!", uuid4())
    assert ada.name not in listed(bob)
    write_later(ada, friends, 2)
    assert ada.name in listed(bob)


async def test_tabs_hear_of_direct_rooms_that_strangers_have_hidden(connect, monkeypatch):
    monkeypatch.setattr(unread_counts, "MAX_REQUESTS", 1)
    ada, bob, stranger = [await database_sync_to_async(create_guest)() for _person in range(3)]
    elsewhere = await connect("elsewhere", user=bob)
    meeting = await database_sync_to_async(actions.open_room)("meeting")
    for person in (ada, bob, stranger):
        await database_sync_to_async(actions.send)(person, meeting, "hello", uuid4())
    for author in (ada, stranger, ada):
        opened = await database_sync_to_async(lambda author=author: message(browser(author), bob))()
        address = opened.url.split("/")[2]
        await (await connect(address, user=author)).say("hello")
        while True:
            unread = await elsewhere.event("unread")
            if any(each["room"] == address and each["count"] for each in unread["rooms"]):
                break


async def test_a_first_direct_message_reaches_open_tabs(connect):
    ada, bob = [await database_sync_to_async(create_guest)() for _person in range(2)]
    elsewhere = await connect("elsewhere", user=bob)
    for person in (ada, bob):
        meeting = await database_sync_to_async(actions.open_room)("meeting")
        await database_sync_to_async(actions.send)(person, meeting, "hello", uuid4())
    address = (await database_sync_to_async(lambda: message(browser(ada), bob).url)()).split("/")[2]
    first = await connect(address, user=ada)
    await first.say("hello")
    while True:
        unread = await elsewhere.event("unread")
        if counts := [each for each in unread["rooms"] if each["room"] == address]:
            assert (counts[0]["title"], counts[0]["count"]) == (ada.name, 1)
            return


def test_a_person_is_in_a_limited_number_of_private_rooms(two_people, monkeypatch):
    monkeypatch.setattr(members, "MAX_PRIVATE_ROOMS", 2)
    ada, bob, of_ada, of_bob = two_people
    message(of_ada, bob)  # no room of Bob's own
    link = invite(of_bob, create(of_bob))
    create(of_ada)
    stranger = create_guest()
    actions.send(stranger, actions.open_room("meeting"), "hello", uuid4())
    refused = [of_ada.post("/rooms/private/", {"title": "x"}), of_ada.post(link), message(of_ada, stranger)]
    assert [each.status_code for each in refused] == [403, 403, 403]
    create(of_bob)
    assert Membership.objects.filter(user=ada).exclude(room__kind="open").count() == 2


async def test_what_is_said_after_a_removal_does_not_reach_the_removed_person(connect, monkeypatch):
    """The process may be slow: it must not deliver anything before it has checked its sockets."""
    owner, member, room = await member_of(connect)
    one, two = await connect(room, user=owner), await connect(room, user=member)
    await two.event("welcome")
    checking = asyncio.Event()

    async def check_later(sockets):
        await checking.wait()
        return []

    monkeypatch.setattr(open_sockets, "_to_dismiss", check_later)
    await database_sync_to_async(lambda: browser(owner).post(f"/chat/{room}/members/{member.pk}/remove/"))()
    assert await two.close_code() == 4403
    await one.say("secret")
    checking.set()


def test_a_room_of_ones_own_comes_before_one_that_another_calls_the_same(two_people):
    _, bob, of_ada, of_bob = two_people
    mine, first, later = create(of_bob, "Board"), create(of_ada, "Club"), create(of_ada, "Club")
    for room in (first, later):
        of_bob.post(invite(of_ada, room))
    trap = create(of_ada, "Harmless")
    of_bob.post(invite(of_ada, trap))
    of_ada.post(f"/chat/{trap}/settings/", {"title": "Board", "topic": ""})
    for room in (later, trap):  # which are now the last active ones
        actions.send(
            Membership.objects.get(room__key=room, role="owner").user,
            Room.objects.get(key=room),
            "hi",
            uuid4(),
        )

    def find(asked):
        return [card.name for card in room_list.find_rooms(bob, asked).rooms]

    assert find("Board") == [mine, trap]
    assert find("Club") == [first, later]
    actions.star(bob, Room.objects.get(key=trap), 1)
    assert find("Board") == [trap, mine]


def test_a_search_for_the_title_of_a_private_room_finds_it_first(two_people):
    ada, bob, of_ada, _ = two_people

    def find(person, asked):
        return [(card.title, card.is_exact) for card in room_list.find_rooms(person, asked).rooms]

    create(of_ada, "Board")
    assert find(ada, "board") == [("Board", True)]
    actions.send(bob, actions.open_room("Board"), "mine", uuid4())
    assert find(ada, "board ") == [("Board", True), ("", True)]
    assert find(bob, "board") == [("", True)]
    assert [card.title for card in room_list.find_rooms(ada, "boarf").similar] == ["", "Board"]
    rename(bob, "Harvest")
    message(of_ada, bob)
    assert find(ada, "harvest") == [("Harvest", True)]
    rename(ada, "Crops")  # a stranger who takes a name is not what Enter opens
    direct = Room.objects.get(people=Room.key_of_people([ada.pk, bob.pk]))
    actions.send(ada, direct, "hi", uuid4())
    assert find(bob, "crops") == [("Crops", False)]


def test_nobody_fills_the_lists_of_a_person_by_adding_them(owning, owner, monkeypatch):
    monkeypatch.setattr(members, "MAX_ADDED", 2)
    victim = create_guest()
    made = [rooms.create_private_room(owner, f"Room {number}") for number in range(4)]
    members.add_member(made[0], victim)
    for room, status in zip(made[1:], (302, 302, 400), strict=True):
        page = owning.post(f"/chat/{room.name}/members/add/", {"name": victim.name, "role": "member"})
        assert page.status_code == status
    assert "Send them an invitation link." in page.content.decode()


def test_an_account_takes_over_the_newest_roles_in_open_rooms(owner, monkeypatch):
    monkeypatch.setattr(members, "MAX_ROLES", 2)
    account = User.objects.create_user("ada", name="Ada")
    for number in range(3):
        actions.open_room(f"open {number}", owner)
    with transaction.atomic():
        members.hand_over(owner, account)
    taken = Membership.objects.filter(user=account, role=Role.OWNER)
    assert {each.room.name for each in taken} == {"open 1", "open 2"}


def test_handing_over_rooms_takes_few_queries(owner, django_assert_max_num_queries):
    account = User.objects.create_user("ada", name="Ada")
    for number in range(30):
        rooms.create_private_room(owner, f"Room {number}")
    with django_assert_max_num_queries(20), transaction.atomic():
        members.hand_over(owner, account)
    assert Membership.objects.filter(user=account).count() == 30


def test_owned_rooms_get_new_owners_with_few_queries(owner, django_assert_max_num_queries):
    first, second = create_guest(), create_guest()
    for number in range(30):
        room = rooms.create_private_room(owner, f"Room {number}")
        members.add_member(room, second, role=Role.MODERATOR if number % 2 else Role.MEMBER)
        members.add_member(room, first, role=Role.MODERATOR)
    with django_assert_max_num_queries(10), transaction.atomic():
        members.hand_over(owner, None)
    owners = Membership.objects.filter(role=Role.OWNER).order_by("room").values_list("user", flat=True)
    assert list(owners) == [first.pk, second.pk] * 15


@pytest.mark.parametrize("reason", ["silenced", "archived"])
def test_who_may_write_nothing_joins_no_room(owning, owner, room, reason):
    person = create_guest()
    link = invite(owning, room)
    if reason == "silenced":
        User.objects.filter(pk=person.pk).update(silenced_until=timezone.now() + timedelta(hours=1))
    else:
        owning.post(f"/chat/{room}/archive/")
    assert browser(person).post(link).status_code == 403
    assert not Membership.objects.filter(user=person).exists()
