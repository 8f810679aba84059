"""ChatConsumer, tested without a server: addresses, the welcome, guests and pings."""

import pytest

from accounts.models import User
from base.subprotocols import PING
from chat import consumers
from chat.models import Message, Room


async def test_welcome_has_the_logs_end_and_the_user(connect, guest):
    socket = await connect("Lobby", user=guest)
    (welcome,) = await socket.receive()
    room = await Room.objects.aget()
    assert welcome == {
        "type": "welcome",
        "room": "Lobby",
        "epoch": room.epoch,
        "seq": 0,
        "you": {"id": guest.pk, "name": guest.name, "guest": True},
        "reset": False,
        "settings": {"is_owner": True, "moderates": True},
    }


@pytest.mark.parametrize("room", ["a/b", "x" * 65, "\n", "a\u202eb", "a\u200bb"])
async def test_an_invalid_room_gets_an_error_and_4404(connect, room):
    socket = await connect(room)
    assert (await socket.event("error"))["code"] == "not_found"
    await socket.send_frame("{}")
    assert await socket.close_code() == 4404
    assert not await Room.objects.aexists()


async def test_an_unknown_address_is_closed_with_4404(connect):
    socket = await connect(path="/ws/nothing/", plain=True)
    assert await socket.close_code() == 4404


async def test_the_final_slash_may_be_missing(connect):
    assert (await (await connect(path="/ws/chat/聊天室")).event("welcome"))["room"] == "聊天室"


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://localhost:8001"])
async def test_a_page_of_another_origin_is_refused(connect, origin):
    host = (b"host", b"localhost:8000")
    with pytest.raises(AssertionError):
        await connect(headers=[host, (b"origin", origin.encode())])
    await connect(headers=[host, (b"origin", b"http://localhost:8000")])


async def test_a_timeout_of_the_room_closes_with_1013(connect, monkeypatch):
    monkeypatch.setattr(consumers, "ADMISSION_TIMEOUT", 0)
    assert await (await connect()).close_code() == 1013


async def test_the_first_message_without_a_session_creates_a_guest(connect):
    socket = await connect()
    assert (await socket.event("welcome"))["you"] is None
    assert not await User.objects.aexists()
    await socket.say("hi")
    await socket.say("it is me")
    authors = [(await socket.event("message"))["author"] for _ in range(2)]
    assert authors[0] == authors[1]
    assert await User.objects.filter(is_guest=True).acount() == 1


async def test_a_message_sent_again_without_a_session_is_stored_once(connect):
    first = await connect()
    client_id = await first.say("once")
    stored = await first.event("message")
    await first.disconnect()
    again, listener = await connect(), await connect()
    await again.say("once", client_id)
    assert await again.event("message") == stored
    await again.say("now somebody else")
    assert (await listener.event("message"))["author"] != stored["author"]
    assert await Message.objects.acount() == 2


@pytest.mark.parametrize("user", ["guest", None])
async def test_a_ping_is_answered_to_its_sender_alone(connect, guest, user):
    tab, other = await connect(user=guest if user else None), await connect()
    for each in (tab, other):
        await each.event("welcome")
    await tab.send_frame(PING)
    await tab.event("pong")
    assert await other.hears_none("pong")
