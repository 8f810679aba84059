"""Presence and typing in rooms: tabs receive each change once."""

import gc
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.test import Client
from django.utils import timezone

import live
from accounts import actions
from accounts.models import User
from base.api_errors import ApiError
from chat.actions import open_room, rooms
from chat.services import room_presence
from live import presence


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(presence, "UPDATE_INTERVAL", 0.05)
    monkeypatch.setattr(presence, "DEBOUNCE", 0.01)
    monkeypatch.setattr(presence, "LEAVE_DELAY", 0.01)
    monkeypatch.setattr(room_presence, "PUBLISH_INTERVAL", 0.05)
    monkeypatch.setattr(room_presence, "DEBOUNCE", 0.01)


@pytest.fixture
async def ada(guest):
    return await database_sync_to_async(actions.rename)(guest, "Ada")


@pytest.fixture
async def bob(database):
    return await database_sync_to_async(lambda: actions.rename(actions.create_guest(), "Bob"))()


async def test_joins_and_leaves_are_published(connect, ada, bob):
    first = await connect(user=ada)
    await first.until_people("Ada")
    second = await connect(user=bob)
    await first.until_people("Ada", "Bob")
    await second.until_people("Ada", "Bob")
    await second.disconnect()
    await first.until_people("Ada")


@database_sync_to_async
def last_seen(user, hours):
    at = timezone.now() - timedelta(hours=hours)
    user.date_joined = at
    User.objects.filter(pk=user.pk).update(seen_at=at, date_joined=at)


async def test_a_guest_who_only_reads_keeps_their_name(connect, ada, bob):
    await last_seen(ada, hours=25)
    tab = await connect(user=ada)
    await tab.until_people("Ada")
    await room_presence.get_presence_feed().close()  # after the reconciliation that stores the presence
    with pytest.raises(ApiError, match="“Ada” is taken"):
        await database_sync_to_async(actions.rename)(bob, "Ada")


async def test_presence_is_stored_again(connect, ada, bob, monkeypatch):
    monkeypatch.setattr(room_presence, "STORE_INTERVAL", 0)
    tab = await connect(user=ada)
    await tab.until_people("Ada")
    await last_seen(ada, hours=25)
    await connect(user=bob)
    await tab.until_people("Ada", "Bob")
    await room_presence.get_presence_feed().close()
    with pytest.raises(ApiError):
        await database_sync_to_async(actions.rename)(bob, "Ada")


async def test_a_guest_who_loses_their_name_is_listed_under_another(connect, ada, bob):
    tab = await connect(user=ada)
    await tab.until_people("Ada")
    await connect(user=bob)
    await tab.until_people("Ada", "Bob")
    await last_seen(ada, hours=25)
    await database_sync_to_async(actions.rename)(bob, "Ada")
    await tab.until_people("Ada", "Ada 2")


async def test_people_are_counted_and_not_tabs(connect, ada, bob):
    first, second, other = await connect(user=ada), await connect(user=ada), await connect(user=bob)
    await first.until_people("Ada", "Bob")
    await second.disconnect()
    await other.disconnect()  # which is published, so the end of Ada's second tab would be too
    await first.until_people("Ada")


async def test_a_tab_does_not_keep_people_who_left(connect, ada):
    tabs = [await connect(user=ada) for _ in range(8)]
    await tabs[0].until_people("Ada")
    crowds = [each for each in gc.get_objects() if type(each) is frozenset and ada.pk in each]
    assert len([each for each in crowds if all(isinstance(person, int) for person in each)]) < len(tabs)


async def test_presence_excludes_other_rooms_and_clients_without_a_session(connect, ada, bob):
    here, elsewhere, nobody = await connect(user=ada), await connect("elsewhere", user=bob), await connect()
    await elsewhere.until_people("Bob")
    await connect(user=bob)
    await here.until_people("Ada", "Bob")
    await elsewhere.send_command(type="typing")
    assert await elsewhere.hears_none("presence")
    await nobody.send_command(type="typing")
    assert (await nobody.event("error"))["code"] == "forbidden"
    assert await here.hears_none("typing")


async def test_a_plain_client_is_present_and_receives_messages_only(connect, ada, bob):
    plain, here = await connect(user=ada, plain=True), await connect(user=bob)
    await here.until_people("Ada", "Bob")
    await here.send_command(type="typing")
    await here.say("hi")
    assert (await plain.receive())["message"] == "hi"


async def test_a_new_name_is_published_in_the_room(connect, ada, bob):
    here = await connect(user=bob)
    await connect(user=ada)
    await here.until_people("Ada", "Bob")
    client = Client()
    await database_sync_to_async(client.force_login)(ada)
    await database_sync_to_async(client.post)("/me/name/", {"name": "Ada Lovelace"})
    await here.until_people("Ada Lovelace", "Bob")


async def test_a_new_name_is_published_without_the_database(connect, ada, bob):
    here = await connect(user=bob)
    await connect(user=ada)
    await here.until_people("Ada", "Bob")

    @database_sync_to_async
    def rename_and_lose():
        actions.rename(ada, "Ada Lovelace")
        connection.cursor().execute("ALTER TABLE chat_user RENAME TO chat_user_away")

    @database_sync_to_async
    def find_again():
        connection.cursor().execute("ALTER TABLE chat_user_away RENAME TO chat_user")

    await rename_and_lose()
    try:
        await here.until_people("Ada Lovelace", "Bob")
    finally:
        await find_again()


@pytest.mark.parametrize(("is_healthy", "ttl"), [(True, 0.1), (False, 60)])
async def test_names_are_read_again_after_a_lost_notification(
    connect, ada, bob, monkeypatch, is_healthy, ttl
):
    monkeypatch.setattr(room_presence, "RECONCILE_INTERVAL", 0.05)
    monkeypatch.setattr(room_presence, "NAMES_TTL", ttl)
    here = await connect(user=bob)
    await connect(user=ada)
    await here.until_people("Ada", "Bob")
    set_health(monkeypatch, is_healthy)
    for name in ("Ada Lovelace", "Countess"):  # again, and not once
        await User.objects.filter(pk=ada.pk).aupdate(name=name)
        await here.until_people(name, "Bob")


async def test_names_are_read_again_when_the_channel_layer_is_back(connect, ada, bob, monkeypatch):
    here = await connect(user=bob)
    await connect(user=ada)
    await here.until_people("Ada", "Bob")
    await room_presence.get_presence_feed().close()  # the test reconciles itself
    set_health(monkeypatch, False)
    await room_presence.get_presence_feed()._reconcile()
    await User.objects.filter(pk=ada.pk).aupdate(name="Ada Lovelace")
    set_health(monkeypatch, True)
    await room_presence.get_presence_feed()._reconcile()
    await here.until_people("Ada Lovelace", "Bob")


def set_health(monkeypatch, is_healthy):
    """Make the channel layer reachable or not, regardless of its probes."""
    pubsub = live.get_hub().pubsub
    monkeypatch.setattr(pubsub, "_set_health", lambda is_healthy: None)
    monkeypatch.setattr(pubsub, "is_healthy", is_healthy)


async def test_joins_are_coalesced(connect, ada, bob, monkeypatch):
    monkeypatch.setattr(
        room_presence, "PUBLISH_INTERVAL", 60
    )  # or a thousand people who join at once would be published one by one
    here = await connect(user=ada)
    await here.until_people("Ada")
    await connect(user=bob)
    assert await here.hears_none("presence")


async def test_a_large_room_names_some_and_counts_all(connect, ada, bob, monkeypatch):
    monkeypatch.setattr(room_presence, "MAX_NAMED", 1)
    here = await connect(user=ada)
    await connect(user=bob)
    await here.until_people("Ada", count=2)


@pytest.mark.parametrize("change", ["silenced", "archived", "muted"])
async def test_typing_of_people_who_cannot_write_is_not_published(connect, ada, bob, change):
    if change == "silenced":
        bob.silenced_until = timezone.now() + timedelta(hours=1)
        await bob.asave()
    else:
        room = await database_sync_to_async(open_room)("lobby", ada)
        if change == "archived":
            await database_sync_to_async(rooms.archive)(ada, room, True)
        else:
            await database_sync_to_async(rooms.change_room)(ada, room, {"writers": "moderators"})
    here, writer = await connect("lobby", user=ada), await connect("lobby", user=bob)
    await writer.event("welcome")
    await writer.send_command(type="typing")
    assert await here.hears_none("typing")


async def test_typing_is_published_at_intervals(connect, ada, bob):
    here, writer = await connect(user=ada), await connect(user=bob)
    await here.until_people("Ada", "Bob")
    for _ in range(3):
        await writer.send_command(type="typing")
    assert (await here.event("typing"))["person"] == {"id": bob.pk, "name": "Bob"}
    assert await here.hears_none("typing")


async def test_typing_in_a_busy_room_is_limited(connect, ada, bob, monkeypatch):
    monkeypatch.setattr("chat.services.typing.MAX_TYPING", 1)
    here, writer = await connect(user=ada), await connect(user=bob)
    await here.send_command(type="typing")
    await here.event("typing")
    await writer.send_command(type="typing")
    assert await here.hears_none("typing")


async def staff_mark(socket, person):
    """Return the staff mark in the next presence event of a person."""
    while True:
        for each in (await socket.event("presence"))["people"]:
            if each["id"] == person.pk:
                return each.get("staff")


async def test_staff_are_marked_in_messages_and_presence(connect, ada, bob, afresh):
    await database_sync_to_async(User.objects.filter(pk=ada.pk).update)(is_staff=True)
    ada.is_staff = True
    socket, plain = await connect(user=ada), await connect(user=bob, plain=True)
    assert (await socket.event("welcome"))["you"]["staff"] is True
    assert await staff_mark(socket, ada) is True
    await socket.say("hi")
    author = {"id": ada.pk, "name": "Ada", "staff": True}
    assert (await socket.event("message"))["author"] == author
    assert (await plain.receive())["author"] == author
    await plain.send_frame('{"message": "hello"}')
    assert (await socket.event("message"))["author"] == {"id": bob.pk, "name": "Bob"}
    ada.is_staff = False
    await database_sync_to_async(ada.save)()
    assert await staff_mark(socket, ada) is None
    await socket.say("no longer")
    assert "staff" not in (await socket.event("message"))["author"]
    messages = [message for _, message in sorted((await afresh("lobby")).messages.items())]
    assert [message["author"].get("staff") for message in messages] == [True, None, None]
