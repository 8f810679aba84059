"""Guard of plain consumers: limits, close codes, slow readers and errors."""

import asyncio
import threading

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from base.api_errors import ApiError
from base.subprotocols import PING, PONG
from connections import guard
from connections.guard import Visit
from push.consumers import FeedConsumer, OrderConsumer, threads
from push.models import Order, feed_topic
from push.sending import asend
from tests.sockets import TIMEOUT, Socket, session_of


async def is_admitted(listener):
    await listener.send_frame("there")
    return await listener.receive() == {"message": "there"}


async def test_an_address_has_so_many_sockets_of_all_kinds_and_no_more(listen, lobby, settings):
    settings.CONNECTIONS_PER_ADDRESS = 2
    one = await listen("/ws/status/1", address="192.0.2.9")
    await listen("/ws/push/lobby", address="192.0.2.9")
    assert await (await listen("/ws/status/1", address="192.0.2.9")).close_code() == 1013
    assert await is_admitted(await listen("/ws/status/1", address="192.0.2.10"))
    await one.disconnect()
    assert await is_admitted(await listen("/ws/status/1", address="192.0.2.9"))


async def test_a_person_who_may_not_come_any_more_is_closed(listen, lobby, guest):
    tab = await listen("/ws/push/lobby", guest, lobby=True)
    await tab.receive()
    guest.is_active = False
    await guest.asave()
    assert await tab.close_code() == 4403


async def test_a_person_who_is_removed_while_a_frame_is_handled_gets_nothing_more(
    listen, lobby, guest, monkeypatch
):
    handling, dismissed, dismiss = asyncio.Event(), asyncio.Event(), Visit.dismiss

    async def check_slowly(consumer, text):
        handling.set()
        await dismissed.wait()
        raise ApiError("bad_frame", "Nobody reads this.")

    def dismiss_and_go_on(visit, code):
        dismiss(visit, code)
        dismiss(visit, 4400)  # the first code counts
        dismissed.set()

    monkeypatch.setattr(FeedConsumer, "check_text", check_slowly)
    monkeypatch.setattr(Visit, "dismiss", dismiss_and_go_on)
    tab = await listen("/ws/push/lobby", guest)
    await tab.send_frame("x")
    await handling.wait()
    guest.is_active = False
    await guest.asave()
    assert await tab.receive_output(TIMEOUT) == {"type": "websocket.close", "code": 4403}
    await tab.wait(TIMEOUT)  # the consumer ends, though the tab does not answer


class Leaving(Socket):
    """A tab that goes away once it is open: what is sent to it fails with an error."""

    def __init__(self, application, path, error):
        async def with_a_failing_send(scope, receive, send):
            async def fail(message):
                if message["type"] == "websocket.send":
                    raise error
                await send(message)

            await application(scope, receive, fail)

        super().__init__(with_a_failing_send, path)


@pytest.mark.parametrize(("error", "is_logged"), [(ConnectionError(), False), (TimeoutError(), True)])
async def test_a_tab_that_has_gone_ends_its_consumer_quietly(listen, caplog, error, is_logged):
    from mysite.asgi import application

    gone = Leaving(application, "/ws/status/1", error)
    await gone.connect(TIMEOUT)
    await (await listen("/ws/status/1")).send_frame("x")
    await gone.wait(TIMEOUT)
    assert bool(caplog.records) == is_logged


async def test_only_what_waits_for_a_tab_is_counted(listen, monkeypatch):
    monkeypatch.setattr(guard, "MOST_CHARACTERS", 100)
    tab = await listen("/ws/status/1")
    for number in range(10):
        await tab.send_frame(f"{number} {'x' * 40}")
        assert (await tab.receive())["message"].startswith(f"{number} ")


async def test_a_mistake_in_a_consumer_is_logged_and_closes_its_socket_alone(listen, monkeypatch, caplog):
    other = await listen("/ws/status/1")
    monkeypatch.setattr(OrderConsumer, "load_order", lambda consumer: 1 / 0)
    assert await (await listen("/ws/order/x")).close_code() == 1011
    assert "ZeroDivisionError" in caplog.text
    assert await is_admitted(other)


@pytest.mark.parametrize("path", ["order/x", "status/1", "push/lobby"])
async def test_a_page_of_another_site_is_refused(database, path):
    from mysite.asgi import application

    socket = Socket(application, f"/ws/{path}", [(b"origin", b"https://elsewhere.example")])
    assert await socket.connect() == (False, 1000)


class Opening(Socket):
    """Tab whose topic receives a message while its socket opens."""

    def __init__(self, application, path, headers, topic):
        async def with_a_word_at_once(scope, receive, send):
            async def say_at_once(message):
                await send(message)
                if message["type"] == "websocket.accept":
                    await asend(topic, "welcome")

            await application(scope, receive, say_at_once)

        super().__init__(with_a_word_at_once, path, headers)


@pytest.mark.parametrize(
    ("path", "topic"),
    [("order/{0.biz}", "{0.topic}"), ("status/1", "status 1"), ("push/lobby", feed_topic("lobby"))],
)
async def test_nothing_is_missed_that_is_said_once_a_socket_is_open(lobby, guest, order, path, topic):
    from mysite.asgi import application

    headers = await database_sync_to_async(session_of)(guest)
    socket = Opening(application, f"/ws/{path.format(order)}", headers, topic.format(order))
    assert await socket.connect(TIMEOUT) == (True, None)
    while await socket.receive() != "welcome":
        pass  # the state as it is
    await socket.disconnect()


@pytest.mark.parametrize("path", ["order/{0.biz}", "status/1", "push/lobby"])
async def test_a_frame_that_is_refused_takes_no_thread(listen, lobby, guest, order, path):
    """It does not wait for a thread either: a flood of such frames costs the process little."""
    listener = await listen(f"/ws/{path.format(order)}", guest)
    free = threading.Event()
    busy = [asyncio.ensure_future(database_sync_to_async(free.wait)())]
    busy += [asyncio.get_running_loop().run_in_executor(threads, free.wait) for _ in range(4)]
    try:
        await listener.send_input({"type": "websocket.receive", "bytes": b"x"})
        while "error" not in (answer := await listener.receive()):
            pass  # the order's state
        assert answer["error"]["code"] == "bad_frame"
    finally:
        free.set()
        await asyncio.gather(*busy)


@pytest.mark.parametrize(("path", "code"), [("elsewhere", 4404), ("status/a.b", 4404), ("status/full", 1013)])
async def test_a_browser_sees_why_it_is_refused(listen, settings, path, code):
    """With none of its subprotocols chosen, a browser would drop the socket and see 1006."""
    settings.CONNECTIONS_PER_ADDRESS = 1
    await listen("/ws/status/1", address="192.0.2.11")
    refused = await listen(f"/ws/{path}", lobby=True, address="192.0.2.1" + ("1" if code == 1013 else "2"))
    assert await refused.close_code() == code


async def test_what_has_joined_a_group_leaves_it_also_when_its_consumer_fails(listen, lobby, monkeypatch):
    def joined():
        return [group for group in get_channel_layer().groups if "push." in group]

    in_order, failing = await listen("/ws/status/1"), await listen("/ws/push/lobby")
    for listener in (in_order, failing):
        await listener.send_frame("x")
        await listener.receive()
    assert len(joined()) == 2
    await in_order.disconnect()
    monkeypatch.setattr(FeedConsumer, "check_text", None)
    await failing.send_frame("x")
    assert await failing.close_code() == 1011
    assert joined() == []


@pytest.fixture
async def order(guest):
    return await Order.objects.acreate(owner=guest, subject="A dictionary", amount="12.50")


@pytest.mark.parametrize("path", ["order/{order.biz}", "status/1", "push/lobby", "me/"])
async def test_pings_are_answered_where_both_sides_agreed_on_them(listen, lobby, guest, order, path):
    address = f"/ws/{path.format(order=order)}"
    page = await listen(address, guest, lobby=True, pings=True)
    await page.send_frame(PING)
    while await page.receive_from(TIMEOUT) != PONG:
        pass  # its greeting


async def test_a_ping_is_a_text_like_any_other_for_pages_of_the_version_before(listen):
    for listener in (await listen("/ws/status/old", lobby=True), await listen("/ws/status/plain")):
        await listener.send_frame(PING)
        while (received := await listener.receive()) == {"listening": True}:
            pass
        assert received == {"message": PING}
