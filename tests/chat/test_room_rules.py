"""Rules of rooms: who owns and moderates them, who may write how often; and the end of a room."""

import asyncio
import re
import unicodedata
from datetime import timedelta
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import live
from accounts.actions import create_guest, delete_account, give_up_name, remove_account, sign_up
from accounts.models import User
from base.api_errors import ApiError
from chat import actions, purge
from chat.actions import rooms
from chat.actions.message_batch import MAX_COMPARED, NewMessage
from chat.models import AuditEntry, Ignored, Invitation, Membership, Message, Room, Writers
from live import LogRewound
from tests.chat.people import browser, make_staff
from tests.chat.private_rooms import create, invite
from tests.chat.test_unread import counted_steps
from transcripts.actions import request_transcript
from transcripts.models import Transcript

OPEN_SETTINGS = "/chat/lobby/settings/"


@pytest.fixture
def lobby(owner):
    return actions.open_room("lobby", owner)


@pytest.fixture
def other(transactional_db):
    return create_guest()


def say(author, room, text="hi", client_id=None):
    return actions.send(author, room, text, client_id or uuid4())[0]


def refused(author, room):
    with pytest.raises(ApiError) as refusal:
        say(author, room)
    return refusal.value


# Owners of open rooms


def test_who_opens_a_room_owns_it_and_nobody_else_does(owning, owner, lobby, other):
    assert actions.open_room("Lobby", other) == lobby
    assert Membership.objects.get().user == owner
    assert b"Room settings" in owning.get("/chat/lobby/").content
    assert b"Room settings" not in browser(other).get("/chat/lobby/").content
    assert browser(other).get(OPEN_SETTINGS).status_code == 404
    assert owning.post(OPEN_SETTINGS, {"topic": "Tea"}).status_code == 302
    assert Room.objects.get().topic_line == "Tea"


def test_owners_and_moderators_of_an_open_room_remove_messages(owning, owner, lobby, other):
    moderator, author = create_guest(), create_guest()
    say(moderator, lobby, "I have been here")
    message = say(author, lobby)
    for remover in (other, moderator):
        with pytest.raises(ApiError):
            actions.delete(remover, lobby, message.number)
    page = owning.post("/chat/lobby/members/add/", {"name": moderator.name.upper(), "role": "moderator"})
    assert page.status_code == 302
    actions.delete(moderator, lobby, message.number)
    actions.delete(owner, lobby, say(author, lobby).number)
    with pytest.raises(ApiError):
        actions.delete(moderator, lobby, say(owner, lobby).number)
    assert list(AuditEntry.objects.values_list("action", flat=True).order_by("pk")) == [
        "change_role",
        "remove_message",
        "remove_message",
    ]


def test_the_moderators_of_an_open_room_are_shown_to_its_owners_and_to_staff(owning, owner, lobby, other):
    assert browser(other).get("/chat/lobby/members/").status_code == 404
    for client in (owning, browser(make_staff())):
        assert owner.name in client.get("/chat/lobby/members/").content.decode()


def test_an_open_room_whose_owner_has_left_is_the_staffs(owning, owner, lobby):
    actions.leave(owner, lobby)
    assert owning.get(OPEN_SETTINGS).status_code == 404
    page = browser(make_staff()).get("/chat/lobby/members/")
    assert "Nobody yet. Staff moderate this room." in page.content.decode()


def test_only_those_who_have_been_in_an_open_room_become_its_moderators(owning, lobby, other):
    page = owning.post("/chat/lobby/members/add/", {"name": other.name, "role": "moderator"})
    assert page.status_code == 400
    assert "add anyone with that name. Check the spelling." in page.content.decode()


@pytest.mark.parametrize("is_present", [False, True])
def test_nobody_learns_who_only_read_an_open_room(owning, lobby, other, monkeypatch, is_present):
    async def fetch_people(topics):
        return dict.fromkeys(topics, frozenset({other.pk} if is_present else ()))

    monkeypatch.setattr(live, "fetch_people", fetch_people)
    author = create_guest()
    say(author, lobby)
    for person in (author, other):
        actions.set_involvement(person, lobby, "all")
    page = owning.get("/chat/lobby/members/").content.decode()
    assert f'<option value="{author.name}">' in page
    assert (other.name in page) == is_present
    moderator = {"name": other.name, "role": "moderator"}
    assert owning.post(f"/chat/lobby/members/{other.pk}/role/", moderator).status_code == 404
    added = owning.post("/chat/lobby/members/add/", moderator)
    assert added.status_code == (302 if is_present else 400)


def test_an_open_room_has_no_invitations(owning, owner, lobby):
    assert owning.post("/chat/lobby/invitations/", {"role": "member"}).status_code == 404
    assert owning.post("/chat/lobby/delete/", {"typed": "lobby"}).status_code == 403


def test_a_guest_who_signs_in_keeps_the_open_rooms_they_own(owner, lobby, other):
    from chat.actions.members import hand_over

    with transaction.atomic():
        hand_over(owner, other)
    assert Membership.objects.get(role="owner").user == other


# Adding people by name


def test_people_with_whom_one_shares_a_room_are_added_by_name(owning, owner, room, other):
    form = {"name": other.name, "role": "member"}
    assert owning.post(f"/chat/{room}/members/add/", form).status_code == 400  # a stranger
    for person in (owner, other):
        actions.star(person, actions.open_room("lobby"), 1)
    assert (
        owning.post(f"/chat/{room}/members/add/", form).status_code == 400
    )  # whoever comes is in an open room
    browser(other).post(invite(owning, create(owning, "Elsewhere")))
    Ignored.objects.create(user=other, person=owner)
    assert owning.post(f"/chat/{room}/members/add/", form).status_code == 400
    Ignored.objects.all().delete()
    assert owning.post(f"/chat/{room}/members/add/", form).status_code == 302
    assert browser(other).get(f"/chat/{room}/").status_code == 200
    stored = Message.objects.get(room__key=room, event="added")
    assert (stored.event, stored.author, stored.text) == ("added", owner, other.name)
    again = owning.post(f"/chat/{room}/members/add/", form)
    assert "is in this list already" in again.content.decode()
    assert browser(other).post(f"/chat/{room}/members/add/", form).status_code == 403


def test_people_of_ones_other_rooms_are_suggested(owning, room, other):
    browser(other).post(invite(owning, create(owning, "Elsewhere")))
    assert f'<option value="{other.name}">' in owning.get(f"/chat/{room}/members/").content.decode()
    assert (
        owning.post(f"/chat/{room}/members/add/", {"name": "a" * 60_000, "role": "member"}).status_code == 400
    )


# Who may write


def restrict(client, **given):
    assert client.post(OPEN_SETTINGS, {"topic": ""} | given).status_code == 302


def test_only_moderators_write_in_a_room_of_announcements(owning, owner, lobby, other):
    before = say(other, lobby)
    restrict(owning, writers="moderators")
    # `lobby` is as its sockets know it, from before.
    for author in (other, None):
        assert refused(author, Room.objects.get()).code == "forbidden"
    assert refused(other, lobby).code == "forbidden"
    with pytest.raises(ApiError):
        actions.edit(other, lobby, before.number, "news of mine")
    actions.delete(other, lobby, before.number)
    assert say(owner, lobby).text == "hi"
    restrict(owning, writers="everyone")
    assert say(other, lobby).text == "hi"
    events = Message.objects.filter(event__isnull=False).order_by("seq").values_list("event", flat=True)
    assert list(events) == ["muted", "unmuted"]


def test_sockets_that_know_other_rules_are_stored_together_by_those_that_are_stored(
    owning, owner, lobby, other
):
    restrict(owning, writers="moderators")
    known, entry = Room.objects.get(), actions.messages.NewMessage
    outcomes = actions.write_all([entry(owner, known, "news", uuid4()), entry(other, lobby, "mine", uuid4())])
    assert [getattr(each, "code", None) for each in outcomes] == [None, "forbidden"]


def test_a_room_of_announcements_says_so_instead_of_the_composer(owning, lobby, other):
    restrict(owning, writers="moderators")
    said = "Only moderators can write in this room."
    assert said in browser(other).get("/chat/lobby/").content.decode()
    assert said not in owning.get("/chat/lobby/").content.decode()


def test_slow_mode_makes_people_wait_but_not_moderators(owning, owner, lobby, other):
    restrict(owning, slow_mode="30")
    client_id = uuid4()
    first = say(other, lobby, client_id=client_id)
    error = refused(other, lobby)
    assert error.code == "rate_limited" and 29 < error.retry_after <= 30
    assert say(other, lobby, client_id=client_id) == first  # sent again, since its acknowledgement was lost
    assert {say(owner, lobby).text for _ in range(2)} == {"hi"}
    assert say(create_guest(), lobby)


REFUSALS = {
    "archived": lambda owning: owning.post("/chat/lobby/archive/"),
    "muted": lambda owning: restrict(owning, writers="moderators"),
    "silenced": lambda _: User.objects.update(silenced_until=timezone.now() + timedelta(hours=1)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_message_that_is_stored_is_acknowledged_again_though_it_would_be_refused_now(
    owning, lobby, other, reason
):
    client_id = uuid4()
    first = say(other, lobby, client_id=client_id)
    REFUSALS[reason](owning)
    assert actions.send(other, lobby, "hi", client_id) == (first, False)
    assert refused(other, lobby).code == "forbidden"
    assert Message.objects.filter(event=None).count() == 1


def test_a_change_of_the_topic_leaves_what_another_owner_has_just_set(owner, lobby):
    before = Room.objects.get()
    rooms.change_room(owner, lobby, {"writers": "moderators", "slow_mode": 30})
    rooms.change_room(owner, before, {"topic": "Tea"})
    stored = Room.objects.get()
    assert (stored.topic_line, stored.writers, stored.slow_mode) == ("Tea", "moderators", 30)


def shown_fields(page):
    """Return the fields of the form for settings, as a browser would send them."""
    form = page.content.decode().split('<form class="form', 1)[1].split("</form>")[0]
    inputs = re.findall(r'<input[^>]* name="([^"]*)" value="([^"]*)"', form)
    choices = re.findall(r'<select[^>]* name="([^"]*)".*?<option value="([^"]*)" selected', form)
    return dict(inputs) | dict(choices)


def test_a_form_sets_nothing_back_that_another_owner_has_changed_since(owning, owner, room):
    settings = f"/chat/{room}/settings/"
    shown = shown_fields(owning.get(settings))
    before = {"title": "Book club", "topic": "", "writers": "everyone", "slow_mode": "0", "history": "all"}
    assert shown.items() > (before | {f"initial-{name}": value for name, value in before.items()}).items()
    others = {"title": "Tea", "topic": "At four", "writers": "moderators", "slow_mode": 30, "history": "new"}
    rooms.change_room(owner, Room.objects.get(), others)
    again = owning.post(settings, shown | {"slow_mode": "7"})
    assert again.status_code == 400
    assert shown_fields(again)["title"] == shown_fields(again)["initial-title"] == "Tea"
    assert shown_fields(again)["initial-slow_mode"] == "30"
    assert owning.post(settings, shown | {"slow_mode": "10"}).status_code == 302
    assert rooms.RoomSettings.of(Room.objects.get()) == tuple((others | {"slow_mode": 10}).values())
    lines = Message.objects.order_by("seq").values_list("event", flat=True)
    assert list(lines) == ["renamed", "topic", "muted", "slow", "slow"]
    assert owning.post(settings, {"title": "Book club"}).status_code == 302  # of an earlier version's page
    assert Room.objects.get().title == "Book club"


def test_slow_mode_makes_nobody_wait_for_the_clock_that_was_set_back(owning, lobby, other):
    restrict(owning, slow_mode="30")
    say(other, lobby)
    Message.objects.update(created_at=timezone.now() + timedelta(hours=2))
    say(other, lobby)
    assert 29 < refused(other, lobby).retry_after <= 30


async def test_slow_mode_makes_clients_without_a_session_wait_by_their_network(connect, guest):
    room = await database_sync_to_async(actions.open_room)("lobby", guest)
    await database_sync_to_async(rooms.change_room)(guest, room, {"slow_mode": 30})
    addresses = {"93.184.216.34": [None, "rate_limited"], "93.184.216.35": [None]}
    for address, outcomes in addresses.items():
        for expected in outcomes:  # each is a client of its own, as after a reconnect
            client = await connect("lobby", address=address)
            await client.say("hi")
            event = await client.event("message" if expected is None else "error")
            assert event.get("code") == expected
    assert await Message.objects.filter(event=None).acount() == 2


def test_slow_mode_makes_new_guests_wait_by_their_network(owning, lobby):
    """A client that drops its cookie is another guest."""
    restrict(owning, slow_mode="3600")
    known = create_guest("93.184.216.34")
    User.objects.filter(pk=known.pk).update(date_joined=timezone.now() - timedelta(hours=2))
    say(create_guest("93.184.216.34"), lobby)
    for network in ("93.184.216.34", "93.184.216.35"):
        is_same = network == "93.184.216.34"
        guest = create_guest(network)
        assert (refused(guest, lobby).code == "rate_limited") if is_same else say(guest, lobby)
    say(User.objects.get(pk=known.pk), lobby)  # came before the pause: waits for nobody else
    account = sign_up(create_guest("93.184.216.37"), "ada", "correct horse battery", "")
    say(account, lobby)
    for newcomer in (create_guest("93.184.216.37"), sign_up(create_guest("93.184.216.37"), "bob", "x", "")):
        assert refused(newcomer, lobby).code == "rate_limited"
    together = [NewMessage(create_guest("93.184.216.36"), lobby, "hi", uuid4()) for _ in range(2)]
    _first, second = actions.write_all(together)
    assert second.code == "rate_limited"


def test_slow_mode_reads_no_texts(owning, lobby, other):
    restrict(owning, slow_mode="30")
    actions.write_all([anonymous(lobby)])
    with CaptureQueriesContext(connection) as captured:
        (again,) = actions.write_all([anonymous(lobby)])
    assert again.code == "rate_limited"
    assert [each for each in captured if f"LIMIT {MAX_COMPARED}" in each["sql"]]
    assert not [each for each in captured if 'chat_message"."text"' in each["sql"]]


def anonymous(room):
    return actions.messages.NewMessage(None, room, "hi", uuid4(), has_session=False, network="93.184.216.34")


def test_an_archived_room_says_so_before_slow_mode(owning, lobby, other):
    restrict(owning, slow_mode="30")
    say(other, lobby)
    owning.post("/chat/lobby/archive/", {"archived": "1"})
    assert refused(other, lobby).code == "forbidden"


def test_slow_mode_takes_few_steps_of_sqlite_however_much_somebody_has_written(owning, lobby, other):
    restrict(owning, slow_mode="30")
    message = say(other, lobby)

    def steps():
        with counted_steps() as counted:
            assert refused(other, lobby).code == "rate_limited"
        return counted()

    few = steps()
    copies = [
        Message(room=lobby, author=other, author_name="x", text="x", number=seq, seq=seq)
        for seq in range(1000, 3000)
    ]
    Message.objects.bulk_create(copies)
    Message.objects.filter(pk=message.pk).update(number=4000, seq=4000)
    assert steps() < few + 10


def test_slow_mode_says_when_one_can_write_again(owning, lobby, other):
    restrict(owning, slow_mode="3600")
    say(other, lobby)
    assert "You can write again in 60 min." in str(refused(other, lobby).detail)


def test_slow_mode_counts_what_is_sent_at_once(owning, lobby, other):
    restrict(owning, slow_mode="30")
    entries = [actions.messages.NewMessage(other, lobby, text, uuid4()) for text in ("one", "two")]
    _first, second = actions.write_all(entries)
    assert second.code == "rate_limited"


@pytest.mark.parametrize(
    "given", [{"writers": "nobody"}, {"slow_mode": "7"}, {"slow_mode": "-10"}, {"slow_mode": "x"}]
)
def test_rules_that_do_not_exist_are_refused(owning, lobby, given):
    assert owning.post(OPEN_SETTINGS, {"topic": ""} | given).status_code == 400
    stored = Room.objects.get()
    assert (stored.writers, stored.slow_mode) == (Writers.EVERYONE, 0)


async def test_tabs_hear_of_new_rules(connect):
    owner = await database_sync_to_async(create_guest)()
    await database_sync_to_async(actions.open_room)("lobby", owner)
    tab = await connect("lobby")
    wanted = {"topic": "", "writers": "moderators", "slow_mode": "10"}
    await database_sync_to_async(lambda: browser(owner).post(OPEN_SETTINGS, wanted))()
    told = [await tab.event("message") for _ in range(2)]
    assert [(each["event"], each["message"]) for each in told] == [("muted", ""), ("slow", "10")]


# Deletion


def delete(client, room, typed="book CLUB"):
    return client.post(f"/chat/{room}/delete/", {"typed": typed})


def test_a_private_room_is_deleted_with_all_that_was_in_it(owning, owner, room, other):
    link = invite(owning, room)
    browser(other).post(link)
    stored = Room.objects.get(key=room)
    for text in ("one", "two"):
        say(other, stored, text)
    request_transcript(owner, stored)
    assert delete(owning, room, "Bookclub").status_code == 400
    assert delete(browser(other), room).status_code == 404
    assert owning.get(f"/chat/{room}/").status_code == 200
    page = owning.post(f"/chat/{room}/delete/", {"typed": "book CLUB"}, follow=True)
    assert "“Book club” was deleted." in page.content.decode()
    for client in (owning, browser(other)):
        assert client.get(f"/chat/{room}/").status_code == 404
        assert room not in client.get("/chat/").content.decode()
    assert browser(create_guest()).post(link).status_code == 404
    with pytest.raises((ApiError, LogRewound)):  # on a socket that was open
        say(other, stored, "late")
    call_command("purge")
    for rows in (Room, Message, Membership, Invitation, Transcript):
        assert not rows.objects.exists()
    assert {entry.room_name for entry in AuditEntry.objects.all()} == {""}


@pytest.mark.parametrize("typed", ["", "Book", "a" * 60_000])
def test_a_room_is_deleted_only_by_its_name(owning, room, typed):
    assert delete(owning, room, typed).status_code == 400
    assert Room.objects.get().kind == "private"


async def test_the_sockets_of_a_deleted_room_close(connect):
    owner, member = [await database_sync_to_async(create_guest)() for _person in range(2)]
    room = await database_sync_to_async(lambda: create(browser(owner)))()
    await database_sync_to_async(lambda: browser(member).post(invite(browser(owner), room)))()
    tab = await connect(room, user=member)
    await database_sync_to_async(lambda: delete(browser(owner), room))()
    async with asyncio.timeout(5):
        assert await tab.close_code() == 4403


# Costs


LONG = "a" + "\u0345" * 30_000


@pytest.mark.parametrize(
    ("address", "given"),
    [
        (OPEN_SETTINGS, {"topic": LONG}),
        ("/chat/lobby/members/add/", {"name": LONG, "role": "moderator"}),
        ("/me/sign-in/", {"username": LONG, "password": "x"}),
        ("/me/sign-up/", {"username": LONG, "password1": "x", "password2": "x"}),
        ("/me/name/", {"name": LONG}),
        ("/rooms/private/", {"title": LONG}),
    ],
)
def test_a_long_text_is_refused_before_it_is_normalized(owning, lobby, monkeypatch, address, given):
    """Sorting 30,000 combining marks takes seconds, in which no other thread runs."""
    lengths, normalize = [], unicodedata.normalize

    def counted(form, text):
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", counted)
    assert owning.post(address, given).status_code in (200, 400)
    assert max(lengths, default=0) <= 1000


def test_a_deleted_person_moderates_nothing(owner, lobby):
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert actions.open_room("another", owner).membership_set.count() == 0


def leave(person, room):
    assert browser(person).post(f"/chat/{room}/members/leave/").status_code == 302


def end_account(person, room):
    delete_account(person)


def remove(person, room):
    remove_account(person)


def sign_in_without_rooms(person, room):
    give_up_name(person, create_guest(), takes_all=False)


@pytest.mark.parametrize("end", [leave, end_account, remove, sign_in_without_rooms])
def test_a_private_room_is_deleted_with_its_last_member(owning, owner, room, other, end):
    link = invite(owning, room)
    browser(other).post(link)
    say(other, stored := Room.objects.get(key=room))
    request_transcript(owner, stored)
    leave(other, room)
    assert owning.get(f"/chat/{room}/").status_code == 200
    end(owner, room)
    assert browser(create_guest()).post(link).status_code == 404
    with pytest.raises(LogRewound):  # for what is under way
        stored.allocate_seq()
    call_command("purge")
    for rows in (Room, Message, Membership, Invitation, Transcript):
        assert not rows.objects.exists()


def test_the_last_member_is_told_that_the_room_is_deleted(owning, room, other):
    browser(other).post(invite(owning, room))
    for is_last in (False, True):
        page = owning.get(f"/chat/{room}/members/").content.decode()
        assert page.count("last member") == (2 if is_last else 0)
        assert page.count("You can only come back with a new invitation.") == (0 if is_last else 2)
        Membership.objects.filter(user=other).delete()


def test_a_room_that_an_earlier_version_left_without_members_is_deleted(owner, monkeypatch):
    monkeypatch.setattr(purge, "CHUNK", 2)
    kept = rooms.create_private_room(owner, "Choir")
    left = [rooms.create_private_room(owner, "Book club") for _room in range(3)]
    say(owner, left[0])
    Membership.objects.filter(room__in=left).delete()
    actions.open_room("lobby")
    call_command("purge")
    assert {each.name for each in Room.objects.all()} == {kept.name, "lobby"}
