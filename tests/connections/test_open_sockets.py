"""Open sockets: connection limits, and sockets that the server closes."""

import time
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import actions
from accounts.models import User
from chat.consumers import ChatConsumer
from connections import open_sockets
from connections.open_sockets import get_sockets
from live import hub
from live.networks import counted_address
from tests.sockets import TIMEOUT


async def refused(socket, code):
    """Return the error that a socket receives before it is closed."""
    error = await socket.event("error")
    assert await socket.close_code() == code
    return error["code"]


async def is_admitted(socket):
    return await socket.event("welcome")


async def test_a_person_has_so_many_sockets_in_all_rooms_and_no_more(connect, guest, settings):
    settings.CONNECTIONS_PER_PERSON = 2
    one, other = await connect("one", user=guest), await connect("other", user=guest)
    assert await is_admitted(one) and await is_admitted(other)
    assert await refused(await connect("one", user=guest), 1013) == "unavailable"
    assert await is_admitted(await connect("one"))  # another person
    await one.disconnect()
    assert await is_admitted(await connect("one", user=guest))


async def test_an_address_has_so_many_sockets_and_no_more(connect, guest, settings):
    settings.CONNECTIONS_PER_ADDRESS = 2
    for user in (guest, None):
        assert await is_admitted(await connect(user=user, address="192.0.2.1"))
    assert await refused(await connect(address="192.0.2.1"), 1013) == "unavailable"
    assert await is_admitted(await connect(address="192.0.2.2"))


async def test_a_socket_that_was_refused_is_not_counted(connect, settings):
    settings.CONNECTIONS_PER_ADDRESS = 1
    one = await connect(address="192.0.2.1")
    for _ in range(3):
        await refused(await connect(address="192.0.2.1"), 1013)
    await one.disconnect()
    assert await is_admitted(await connect(address="192.0.2.1"))


async def test_many_sockets_close_about_as_fast_as_they_open():
    times = []
    with ExitStack() as stack:
        times.append(time.process_time())
        for number in range(8000):
            socket = ChatConsumer()
            socket.user, socket.address = None, f"address {number}"
            stack.enter_context(get_sockets().admitted(socket))
        times.append(time.process_time())
    times.append(time.process_time())
    opening, closing = (after - before for before, after in pairwise(times))
    assert closing < 3 * opening


def test_a_household_counts_as_one_address():
    assert (
        counted_address("2001:db8:1:2:3::4")
        == counted_address("2001:db8:1:2::5")
        != counted_address("2001:db8:1:3::4")
    )
    assert counted_address("192.0.2.1") != counted_address("192.0.2.2")


@pytest.mark.parametrize("prefix", ["::ffff:", "0:0:0:0:0:ffff:", "64:ff9b::"])
def test_an_address_of_ipv4_is_the_same_in_ipv6(prefix):
    """Proxies with dual-stack sockets and translators send such addresses."""
    assert (
        counted_address(f"{prefix}192.0.2.1")
        == counted_address("192.0.2.1")
        != counted_address(f"{prefix}192.0.2.2")
    )


async def test_a_person_makes_so_many_rooms_an_hour_and_still_enters_those_that_are(connect, guest, settings):
    settings.ROOMS_PER_HOUR = 2
    for room in ("one", "other"):
        assert await is_admitted(await connect(room, user=guest))
    assert await refused(await connect("third", user=guest), 4429) == "rate_limited"
    assert await is_admitted(await connect("one", user=guest))


async def test_without_a_session_it_is_the_address_that_is_counted(connect, settings):
    settings.CHAT_RATE = 0.2  # two in ten seconds
    one, other = [await connect(address="192.0.2.3") for _ in range(2)]
    for socket in (one, other):
        await socket.say("hi")
        await socket.event("message")
    await other.say("one too many")
    assert (await other.event("error"))["code"] == "rate_limited"


@pytest.fixture
def never_compared(monkeypatch):
    """Disable the comparison: only notifications close sockets."""
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 60)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 60)


def sign_out(user):
    Session.objects.get().delete()


def deactivate(user):
    user.is_active = False
    user.save()


def deactivate_unheard(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def expire(user):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def change_password(user):
    user.set_password("another")
    user.save(update_fields=["password"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (sign_out, 4401),
        (deactivate, 4403),
        (User.delete, 4401),  # as in a restored database, which does not know them
        (actions.remove_account, 4410),
        (actions.delete_account, 4410),
        (change_password, 4401),
    ],
)
async def test_who_may_not_stay_is_told_to_leave_every_room(never_compared, connect, guest, change, code):
    bystander = await connect()
    one = await connect("one", user=guest)
    await is_admitted(one)
    await database_sync_to_async(change)(guest)
    assert await one.close_code() == code
    await bystander.say("here")
    assert (await bystander.event("message"))["message"] == "here"


async def test_only_the_session_that_was_signed_out_is_closed(never_compared, connect, guest):
    one = await connect(user=guest)
    key = (await Session.objects.aget()).session_key
    other = await connect(user=guest)
    await Session.objects.filter(session_key=key).adelete()
    assert await one.close_code() == 4401
    await other.say("still here")
    assert (await other.event("message"))["message"] == "still here"


@pytest.mark.parametrize(("change", "code"), [(deactivate_unheard, 4403), (expire, 4401)])
async def test_who_may_not_stay_is_found_out_though_nobody_told(connect, guest, monkeypatch, change, code):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    monkeypatch.setattr(open_sockets, "QUERY_CHUNK", 1)
    others = [await connect() for _ in range(2)]
    sockets = [await connect(user=guest) for _ in range(2)]
    await sync_to_async(change)(guest)
    assert [await socket.close_code() for socket in sockets] == [code] * 2
    assert all([await is_admitted(socket) for socket in others])


async def test_who_spoke_without_a_session_may_be_removed_as_well(never_compared, connect):
    socket = await connect(plain=True)
    await socket.send_json_to({"message": "hi"})
    await socket.receive()
    await database_sync_to_async(lambda: deactivate(User.objects.get()))()
    assert await socket.close_code() == 4403


@pytest.mark.parametrize("path", ["/ws/chat/lobby/", "/ws/me/"])
async def test_a_page_that_was_made_for_another_person_is_told_nothing_and_seen_by_nobody(
    connect, guest, path
):
    socket = await connect(user=guest, path=f"{path}?you={guest.pk + 1}")
    assert await socket.receive_output(TIMEOUT) == {"type": "websocket.close", "code": 4401}
    for you in (str(guest.pk), "²", "x", "", "9" * 5000):  # the person's own, and what is no id
        again = await connect(user=guest, path=f"{path}?you={quote(you)}")
        assert await again.event("unread")
        await again.disconnect()


async def test_a_page_whose_session_is_gone_is_shown_what_is_said(connect, guest):
    socket = await connect(you=guest.pk)
    assert (await socket.event("welcome"))["you"] is None
