"""Statuses: all subscribers of an id receive each text; and limits of the synchronous consumer."""

import asyncio
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async

from connections import guard
from connections.consumers import get_subscribers
from push.consumers import MAX_TEXT_LENGTH, FeedConsumer, StatusConsumer
from tests.sockets import TIMEOUT, Socket


async def test_all_listeners_of_the_id_hear_it_and_no_others(listen):
    one, two, other = [await listen(f"/ws/status/{path}") for path in ("1", "1/", "2")]
    await one.send_frame("on its way 在路上")
    for listener in (one, two):
        assert await listener.receive_from(TIMEOUT) == '{"message":"on its way 在路上"}'
    assert await other.receive_nothing(0.2)


async def test_a_line_of_a_page_has_an_id_that_plain_clients_do_not_see(listen):
    page, plain = await listen("/ws/status/1", lobby=True), await listen("/ws/status/1")
    assert await page.receive() == {"listening": True}
    line_id = str(uuid4())
    for _ in range(2):  # again, since it did not come back in time
        await page.send_json_to({"id": line_id, "text": "hello"})
        assert [await page.receive() for _ in range(2)] == [{"id": line_id}, {"message": "hello"}]
        assert await plain.receive() == {"message": "hello"}
    await page.send_frame('{"of": "a page of the version before"}')
    assert await page.receive() == {"message": '{"of": "a page of the version before"}'}
    await page.send_json_to({"id": line_id, "text": "x" * (MAX_TEXT_LENGTH + 1)})
    assert await refused(page) == "too_long"


@pytest.mark.parametrize("path", ["x" * 65, "a%20b", "%E4%BD%A0", "a.b", "1/2"])
async def test_what_is_no_id(listen, path):
    assert await (await listen(f"/ws/status/{path}")).close_code() == 4404


@pytest.mark.parametrize("text", ["", "not JSON", '{"message": 1}', "<b>", "x" * MAX_TEXT_LENGTH])
async def test_any_text_is_passed_on_as_text(listen, text):
    listener = await listen("/ws/status/1")
    await listener.send_frame(text)
    assert await listener.receive() == {"message": text}


async def test_deeply_nested_json_of_a_page_is_passed_on_as_text(listen, caplog):
    page = await listen("/ws/status/1", lobby=True)
    assert await page.receive() == {"listening": True}
    await page.send_frame(nested := '{"x":' + "[" * 1500)
    assert await page.receive() == {"message": nested}
    assert caplog.records == []


async def refused(listener):
    return (await listener.receive())["error"]["code"]


async def test_what_is_no_text_or_too_long_is_told_to_its_sender_alone(listen):
    one, other = await listen("/ws/status/1"), await listen("/ws/status/1")
    await one.send_input({"type": "websocket.receive", "bytes": b"\xff"})
    assert await refused(one) == "bad_frame"
    await one.send_frame("x" * (MAX_TEXT_LENGTH + 1))
    assert await refused(one) == "too_long"
    assert await other.receive_nothing(0.2)
    await one.send_frame("fine")
    assert await other.receive() == {"message": "fine"}


async def test_too_fast_is_told_and_the_socket_stays_open(listen, settings):
    settings.CHAT_RATE = 0.2  # two in ten seconds
    one = await listen("/ws/status/1", address="192.0.2.77")
    for text in "ab":
        await one.send_frame(text)
        assert await one.receive() == {"message": text}
    await one.send_frame("one too many")
    assert await refused(one) == "rate_limited"


async def test_a_topic_has_so_many_listeners_in_a_process_and_no_more(listen, monkeypatch, caplog):
    monkeypatch.setattr(StatusConsumer, "max_subscribers", 2)
    one, _ = await listen("/ws/status/1"), await listen("/ws/status/1")
    assert await (await listen("/ws/status/1")).close_code() == 1013
    assert "Too many subscribers." in caplog.text
    other = await listen("/ws/status/2")
    await one.disconnect()
    again = await listen("/ws/status/1")
    await again.send_frame("there")
    assert await again.receive() == {"message": "there"}
    assert get_subscribers() == {("status 1",): 2, ("status 2",): 1}
    for listener in (other, again):
        await listener.disconnect()
    assert get_subscribers() == {("status 1",): 1}


async def test_an_address_leaves_half_of_the_listeners_of_a_topic_to_others(
    listen, lobby, monkeypatch, settings
):
    settings.CONNECTIONS_PER_ADDRESS = 1000
    for consumer, path in ((StatusConsumer, "/ws/status/1"), (FeedConsumer, "/ws/push/lobby")):
        monkeypatch.setattr(consumer, "max_subscribers", 4)
        one, _ = [await listen(path, address="192.0.2.1") for _ in range(2)]
        assert await (await listen(path, address="192.0.2.1")).close_code() == 1013
        other = await listen(path, address="192.0.2.2")
        await one.disconnect()
        again = await listen(path, address="192.0.2.1")
        assert await other.receive_nothing(0.1) and await again.receive_nothing(0.1)  # both are open


async def test_an_address_leaves_half_of_the_messages_of_a_topic_to_others(listen):
    one, other = [await listen("/ws/status/shared", address=f"192.0.2.{last}") for last in (35, 36)]
    for number in range(60):  # more than the topic takes from all together
        await one.send_frame(str(number))
    refusals = [text for text in [await one.receive() for _ in range(60)] if "error" in text]
    assert len(refusals) == 35
    await other.send_frame("fine")
    assert await one.receive() == {"message": "fine"}


async def test_a_topic_takes_so_many_messages_from_all_together(listen):
    """The limit does not depend on the sender: each message is handled once per subscriber."""
    listeners = [await listen("/ws/status/busy", address=f"192.0.2.{last}") for last in range(30, 34)]
    for number in range(50):
        await listeners[number % 4].send_frame(str(number))
    for _ in range(50):
        await listeners[0].receive()
    await listeners[0].send_frame("one too many")
    assert await refused(listeners[0]) == "rate_limited"
    elsewhere = await listen("/ws/status/calm", address="192.0.2.30")
    await elsewhere.send_frame("fine")
    assert await elsewhere.receive() == {"message": "fine"}


class Stuck(Socket):
    """Tab that reads no frames after it is open."""

    def __init__(self, application, path):
        async def with_a_stuck_send(scope, receive, send):
            async def take_the_first(message):
                if message["type"] == "websocket.accept":
                    return await send(message)
                self.is_stuck.set()
                await asyncio.Event().wait()

            await application(scope, receive, take_the_first)

        super().__init__(with_a_stuck_send, path)
        self.is_stuck = asyncio.Event()


@pytest.fixture
async def stuck(listen):
    """Open as many tabs as there are threads for synchronous consumers."""
    from mysite.asgi import application

    tabs = [Stuck(application, "/ws/status/stuck") for _ in range(4)]
    for tab in tabs:
        await tab.connect(TIMEOUT)
    other = await listen("/ws/status/stuck")
    await other.send_frame("x")
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(*[tab.is_stuck.wait() for tab in tabs])
    yield tabs
    for tab in tabs:
        tab.stop(exceptions=False)


async def test_tabs_that_take_nothing_do_not_hold_up_the_database(stuck):
    async with asyncio.timeout(2):
        assert await database_sync_to_async(lambda: "done")() == "done"


async def test_tabs_that_take_nothing_do_not_hold_up_others(stuck, listen):
    async with asyncio.timeout(5):  # of the ten seconds after which they are given up
        other = await listen("/ws/status/elsewhere")
        await other.send_frame("x")
        assert await other.receive() == {"message": "x"}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(guard, "SEND_PATIENCE", 0.2)


async def test_a_tab_that_takes_nothing_is_given_up(impatient, stuck):
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(*[tab.future for tab in stuck])


@pytest.mark.parametrize(("bound", "most"), [("MOST_FRAMES", 2), ("MOST_CHARACTERS", 50)])
async def test_so_much_waits_for_a_tab_that_takes_nothing(stuck, listen, monkeypatch, caplog, bound, most):
    monkeypatch.setattr(guard, "SEND_PATIENCE", 0.5)  # not for the frame that is being written
    monkeypatch.setattr(guard, bound, most)
    talker = await listen("/ws/status/stuck")
    for _ in range(4):
        await talker.send_frame("x")
        await talker.receive()
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(*[tab.future for tab in stuck])
    assert "it reads too slowly" in caplog.text


async def test_who_is_refused_is_told_so_in_their_language(listen):
    """A synchronous consumer runs in threads that it shares with others."""
    chinese = await listen("/ws/status/1", headers=[(b"accept-language", b"zh-CN")])
    for listener, detail in [
        (chinese, "消息不能超过 4,000 个字符。"),
        (await listen("/ws/status/1"), "Messages can't be longer than 4,000 characters."),
    ]:
        await listener.send_frame("x" * (MAX_TEXT_LENGTH + 1))
        assert (await listener.receive())["error"]["detail"] == detail
